/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "sample.h"

void
sample_init (Sample *sample, GVariant *body, GDBusMessageByteOrder order)
{
  g_autoptr (GDBusMessage) message =
    g_dbus_message_new_method_call ("org.example.A", "/a", "org.example.A", "M");
  g_autoptr (GError) error = NULL;

  g_dbus_message_set_byte_order (message, order);
  g_dbus_message_set_serial (message, 7);
  g_dbus_message_set_body (message, body);
  sample->bytes =
    g_dbus_message_to_blob (message, &sample->length, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (kv_dbus_head_measure (sample->bytes), ==, sample->length);
  g_assert_true (kv_dbus_head_parse (&sample->head, sample->bytes, sample->length));
  kv_dbus_head_init_reader (&sample->head, &sample->body);
  g_assert_true (kv_dbus_reader_check (&sample->body, sample->head.signature));
}

void
sample_clear (Sample *sample)
{
  g_clear_pointer (&sample->bytes, g_free);
}

void
sample_begin (KvDbusWriter *writer, KvDbusBuffer *buffer, const char *signature)
{
  const KvDbusHead head = {
    .type = KV_DBUS_TYPE_METHOD_RETURN,
    .flags = KV_DBUS_FLAG_NO_REPLY_EXPECTED,
    .serial = 1,
    .reply_serial = 2,
    .destination = ":1.23",
    .signature = signature,
  };

  kv_dbus_writer_begin (writer, buffer, &head);
}

GVariant *
sample_end (KvDbusWriter *writer)
{
  const KvDbusBuffer *buffer = writer->buffer;
  const guint8 *bytes = buffer->data + buffer->start + writer->start;
  gsize length = kv_dbus_buffer_get_length (buffer) - writer->start;
  g_autofree guint8 *copy = NULL;
  g_autoptr (GDBusMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  GVariant *body;
  KvDbusHead head;
  KvDbusReader reader;

  kv_dbus_writer_end (writer);
  copy = g_memdup2 (bytes, length);
  g_assert_cmpuint (kv_dbus_head_measure (bytes), ==, length);
  g_assert_true (kv_dbus_head_parse (&head, bytes, length));
  kv_dbus_head_init_reader (&head, &reader);
  g_assert_true (kv_dbus_reader_check (&reader, head.signature));

  message = g_dbus_message_new_from_blob (copy, length, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
  g_assert_no_error (error);
  body = g_dbus_message_get_body (message);

  return body != NULL ? g_variant_ref (body) : g_variant_ref_sink (g_variant_new_tuple (NULL, 0));
}
