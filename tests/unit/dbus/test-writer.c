/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "sample.h"

#include <string.h>

static void
assert_prints (KvDbusWriter *writer, const char *expected)
{
  g_autoptr (GVariant) body = sample_end (writer);
  g_autofree char *text = g_variant_print (body, TRUE);

  g_assert_cmpstr (text, ==, expected);
}

static void
write_some (KvDbusWriter *writer)
{
  KvDbusArray outer, inner;

  kv_dbus_writer_put_boolean (writer, TRUE);
  kv_dbus_writer_put_uint64 (writer, G_MAXUINT64);
  kv_dbus_writer_put_uint32 (writer, 7);
  kv_dbus_writer_put_int64 (writer, -1);
  kv_dbus_writer_put_string (writer, "väl", strlen ("väl"));
  kv_dbus_writer_put_bytes (writer, "a\0b", 3);
  outer = kv_dbus_writer_open_array (writer, "{sv}");
  kv_dbus_writer_enter_struct (writer);
  kv_dbus_writer_put_string (writer, "one", 3);
  kv_dbus_writer_enter_variant (writer, "t");
  kv_dbus_writer_put_uint64 (writer, 1);
  kv_dbus_writer_enter_struct (writer);
  kv_dbus_writer_put_string (writer, "more", 4);
  kv_dbus_writer_enter_variant (writer, "a(tt)");
  inner = kv_dbus_writer_open_array (writer, "(tt)");
  kv_dbus_writer_close_array (writer, inner);
  kv_dbus_writer_close_array (writer, outer);
}

#define SOME_SIGNATURE "btuxsaya{sv}"
#define SOME                                                                                       \
  "(true, uint64 18446744073709551615, uint32 7, int64 -1, 'väl', [byte 0x61, 0x00, 0x62], "      \
  "{'one': <uint64 1>, 'more': <@a(tt) []>})"

/* Alignment counts from where the message begins, wherever that is. */
static void
test_gdbus_reads_what_is_written (void)
{
  for (gsize before = 0; before < 9; before++)
    {
      g_auto (KvDbusBuffer) buffer = { 0 };
      KvDbusWriter writer;

      kv_dbus_buffer_append (&buffer, "123456789", before);
      sample_begin (&writer, &buffer, SOME_SIGNATURE);
      write_some (&writer);
      assert_prints (&writer, SOME);
    }
}

static void
test_writes_many_in_a_row (void)
{
  g_auto (KvDbusBuffer) buffer = { 0 };

  for (guint i = 0; i < 1000; i++)
    {
      KvDbusWriter writer;

      sample_begin (&writer, &buffer, SOME_SIGNATURE);
      write_some (&writer);
      assert_prints (&writer, SOME);
      /* What is used up at the other end moves what is left. */
      if (i % 3 != 0)
        kv_dbus_buffer_consume (&buffer, 16);
    }
}

static void
test_writes_a_message_without_a_body (void)
{
  g_auto (KvDbusBuffer) buffer = { 0 };
  KvDbusWriter writer;

  sample_begin (&writer, &buffer, NULL);
  assert_prints (&writer, "()");
}

static void
test_writes_every_field (void)
{
  const KvDbusHead written = {
    .type = KV_DBUS_TYPE_SIGNAL,
    .flags = KV_DBUS_FLAG_NO_REPLY_EXPECTED,
    .serial = 3,
    .path = "/p",
    .interface = "i.j",
    .member = "S",
    .destination = ":1.7",
    .signature = "u",
    .n_descriptors = 2,
  };
  g_auto (KvDbusBuffer) buffer = { 0 };
  g_autoptr (GDBusMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  KvDbusWriter writer;

  kv_dbus_writer_begin (&writer, &buffer, &written);
  kv_dbus_writer_put_uint32 (&writer, 9);
  kv_dbus_writer_end (&writer);
  message = g_dbus_message_new_from_blob (buffer.data, buffer.end,
                                          G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_dbus_message_get_message_type (message), ==, G_DBUS_MESSAGE_TYPE_SIGNAL);
  g_assert_cmpuint (g_dbus_message_get_serial (message), ==, 3);
  g_assert_cmpstr (g_dbus_message_get_path (message), ==, "/p");
  g_assert_cmpstr (g_dbus_message_get_interface (message), ==, "i.j");
  g_assert_cmpstr (g_dbus_message_get_member (message), ==, "S");
  g_assert_cmpstr (g_dbus_message_get_destination (message), ==, ":1.7");
  g_assert_cmpuint (g_dbus_message_get_num_unix_fds (message), ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add_func ("/dbus/writer/" name, function)
  ADD ("gdbus-reads-what-is-written", test_gdbus_reads_what_is_written);
  ADD ("writes-many-in-a-row", test_writes_many_in_a_row);
  ADD ("writes-a-message-without-a-body", test_writes_a_message_without_a_body);
  ADD ("writes-every-field", test_writes_every_field);
#undef ADD

  return g_test_run ();
}
