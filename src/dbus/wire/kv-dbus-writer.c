/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/wire/kv-dbus-writer.h"

#include <string.h>

/* Every position is counted from what the buffer holds first, and alignment from where the message begins. */

static gsize
get_position (const KvDbusWriter *writer)
{
  return kv_dbus_buffer_get_length (writer->buffer);
}

static void
align (KvDbusWriter *writer, gsize alignment)
{
  gsize offset = get_position (writer) - writer->start;
  gsize padding = -offset & (alignment - 1);

  if (padding > 0)
    memset (kv_dbus_buffer_extend (writer->buffer, padding), 0, padding);
}

static void
put_number (KvDbusWriter *writer, const void *number, gsize size)
{
  align (writer, size);
  memcpy (kv_dbus_buffer_extend (writer->buffer, size), number, size);
}

static void
set_number (KvDbusWriter *writer, gsize position, gsize number)
{
  guint32 value = (guint32) number;

  memcpy (writer->buffer->data + writer->buffer->start + position, &value, sizeof value);
}

void
kv_dbus_writer_put_uint32 (KvDbusWriter *writer, guint32 value)
{
  put_number (writer, &value, sizeof value);
}

void
kv_dbus_writer_put_uint64 (KvDbusWriter *writer, guint64 value)
{
  put_number (writer, &value, sizeof value);
}

void
kv_dbus_writer_put_int64 (KvDbusWriter *writer, gint64 value)
{
  put_number (writer, &value, sizeof value);
}

void
kv_dbus_writer_put_boolean (KvDbusWriter *writer, gboolean value)
{
  kv_dbus_writer_put_uint32 (writer, value ? 1 : 0);
}

static void
put_text (KvDbusWriter *writer, const char *text, gsize length)
{
  guint8 *room = kv_dbus_buffer_extend (writer->buffer, length + 1);

  memcpy (room, text, length);
  room[length] = '\0';
}

void
kv_dbus_writer_put_string (KvDbusWriter *writer, const char *text, gsize length)
{
  kv_dbus_writer_put_uint32 (writer, (guint32) length);
  put_text (writer, text, length);
}

void
kv_dbus_writer_put_bytes (KvDbusWriter *writer, const void *bytes, gsize length)
{
  kv_dbus_writer_put_uint32 (writer, (guint32) length);
  kv_dbus_buffer_append (writer->buffer, bytes, length);
}

static void
put_signature (KvDbusWriter *writer, const char *signature)
{
  gsize length = strlen (signature);

  *kv_dbus_buffer_extend (writer->buffer, 1) = (guint8) length;
  put_text (writer, signature, length);
}

void
kv_dbus_writer_enter_variant (KvDbusWriter *writer, const char *type)
{
  put_signature (writer, type);
}

void
kv_dbus_writer_enter_struct (KvDbusWriter *writer)
{
  align (writer, KV_DBUS_STRUCT_ALIGNMENT);
}

KvDbusArray
kv_dbus_writer_open_array (KvDbusWriter *writer, const char *type)
{
  KvDbusArray array;

  kv_dbus_writer_put_uint32 (writer, 0);
  array.length_at = get_position (writer) - sizeof (guint32);
  align (writer, kv_dbus_types_get_alignment (*type));
  array.first = get_position (writer);

  return array;
}

void
kv_dbus_writer_close_array (KvDbusWriter *writer, KvDbusArray array)
{
  set_number (writer, array.length_at, get_position (writer) - array.first);
}

/* --- the head --- */

static void
begin_field (KvDbusWriter *writer, KvDbusField field, const char *type)
{
  kv_dbus_writer_enter_struct (writer);
  *kv_dbus_buffer_extend (writer->buffer, 1) = (guint8) field;
  put_signature (writer, type);
}

static void
put_text_field (KvDbusWriter *writer, KvDbusField field, const char *type, const char *text)
{
  if (text == NULL)
    return;
  begin_field (writer, field, type);
  kv_dbus_writer_put_string (writer, text, strlen (text));
}

static void
put_number_field (KvDbusWriter *writer, KvDbusField field, guint32 number)
{
  if (number == 0)
    return;
  begin_field (writer, field, "u");
  kv_dbus_writer_put_uint32 (writer, number);
}

static void
put_signature_field (KvDbusWriter *writer, const char *signature)
{
  if (signature == NULL || *signature == '\0')
    return;
  begin_field (writer, KV_DBUS_FIELD_SIGNATURE, "g");
  put_signature (writer, signature);
}

void
kv_dbus_writer_begin (KvDbusWriter *writer, KvDbusBuffer *buffer, const KvDbusHead *head)
{
  const guint8 fixed[] = {
    G_BYTE_ORDER == G_LITTLE_ENDIAN ? 'l' : 'B',
    head->type,
    head->flags,
    KV_DBUS_PROTOCOL_VERSION,
  };
  KvDbusArray fields;

  *writer = (KvDbusWriter){ .buffer = buffer, .start = kv_dbus_buffer_get_length (buffer) };
  kv_dbus_buffer_append (buffer, fixed, sizeof fixed);
  /* In place of the length of the body, which is not known yet. */
  kv_dbus_writer_put_uint32 (writer, 0);
  kv_dbus_writer_put_uint32 (writer, head->serial);
  fields = kv_dbus_writer_open_array (writer, "(yv)");
  put_text_field (writer, KV_DBUS_FIELD_PATH, "o", head->path);
  put_text_field (writer, KV_DBUS_FIELD_INTERFACE, "s", head->interface);
  put_text_field (writer, KV_DBUS_FIELD_MEMBER, "s", head->member);
  put_text_field (writer, KV_DBUS_FIELD_ERROR_NAME, "s", head->error_name);
  put_number_field (writer, KV_DBUS_FIELD_REPLY_SERIAL, head->reply_serial);
  put_text_field (writer, KV_DBUS_FIELD_DESTINATION, "s", head->destination);
  put_text_field (writer, KV_DBUS_FIELD_SENDER, "s", head->sender);
  put_signature_field (writer, head->signature);
  put_number_field (writer, KV_DBUS_FIELD_UNIX_FDS, head->n_descriptors);
  kv_dbus_writer_close_array (writer, fields);
  kv_dbus_writer_enter_struct (writer);
  writer->body = get_position (writer);
}

/* The length of the body stands behind the fixed four bytes. */
void
kv_dbus_writer_end (KvDbusWriter *writer)
{
  set_number (writer, writer->start + sizeof (guint32), get_position (writer) - writer->body);
}
