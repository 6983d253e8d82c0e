/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "sample.h"
#include "variant.h"

#include <gio/gunixfdlist.h>
#include <string.h>

/* Writes a message of GDBus's, and reads its head. The bytes are the caller's. */
static guint8 *
read_head (GDBusMessage *message, GDBusMessageByteOrder order, KvDbusHead *head, gsize *length)
{
  g_autoptr (GError) error = NULL;
  guint8 *bytes;

  g_dbus_message_set_serial (message, 77);
  g_dbus_message_set_byte_order (message, order);
  bytes = g_dbus_message_to_blob (message, length, G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (kv_dbus_head_measure (bytes), ==, *length);
  g_assert_true (kv_dbus_head_parse (head, bytes, *length));
  g_assert_cmpuint (head->serial, ==, 77);

  return bytes;
}

static void
check_call (GDBusMessageByteOrder order)
{
  g_autoptr (GDBusMessage) call = g_dbus_message_new_method_call ("a.b", "/p", "i.j", "M");
  g_autofree guint8 *bytes = NULL;
  KvDbusHead head;
  gsize length;

  g_dbus_message_set_sender (call, ":1.5");
  g_dbus_message_set_flags (call, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  g_dbus_message_set_body (call, g_variant_new ("(su)", "x", 4));
  bytes = read_head (call, order, &head, &length);
  g_assert_cmpuint (head.type, ==, KV_DBUS_TYPE_METHOD_CALL);
  g_assert_cmpuint (head.flags, ==, KV_DBUS_FLAG_NO_REPLY_EXPECTED);
  g_assert_cmpstr (head.destination, ==, "a.b");
  g_assert_cmpstr (head.path, ==, "/p");
  g_assert_cmpstr (head.interface, ==, "i.j");
  g_assert_cmpstr (head.member, ==, "M");
  g_assert_cmpstr (head.sender, ==, ":1.5");
  g_assert_cmpstr (head.signature, ==, "su");
  g_assert_null (head.error_name);
  g_assert_cmpuint (head.reply_serial, ==, 0);
  g_assert_cmpuint (head.n_descriptors, ==, 0);
}

static void
test_reads_a_call (void)
{
  check_call (G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN);
  check_call (G_DBUS_MESSAGE_BYTE_ORDER_BIG_ENDIAN);
}

static void
test_reads_answers (void)
{
  g_autoptr (GDBusMessage) call = g_dbus_message_new_method_call ("a.b", "/p", NULL, "M");
  g_autoptr (GDBusMessage) answer = NULL;
  g_autoptr (GDBusMessage) failure = NULL;
  g_autofree guint8 *bytes = NULL;
  g_autofree guint8 *more_bytes = NULL;
  KvDbusHead head;
  gsize length;

  g_dbus_message_set_serial (call, 5);
  answer = g_dbus_message_new_method_reply (call);
  bytes = read_head (answer, G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN, &head, &length);
  g_assert_cmpuint (head.type, ==, KV_DBUS_TYPE_METHOD_RETURN);
  g_assert_cmpuint (head.reply_serial, ==, 5);
  g_assert_cmpstr (head.signature, ==, "");
  g_assert_cmpuint (head.body_length, ==, 0);

  failure = g_dbus_message_new_method_error_literal (call, "a.b.Failed", "why");
  more_bytes = read_head (failure, G_DBUS_MESSAGE_BYTE_ORDER_BIG_ENDIAN, &head, &length);
  g_assert_cmpuint (head.type, ==, KV_DBUS_TYPE_ERROR);
  g_assert_cmpstr (head.error_name, ==, "a.b.Failed");
}

static void
test_counts_descriptors (void)
{
  g_autoptr (GDBusMessage) signal = g_dbus_message_new_signal ("/p", "i.j", "S");
  g_autoptr (GUnixFDList) descriptors = g_unix_fd_list_new ();
  g_autofree guint8 *bytes = NULL;
  KvDbusHead head;
  gsize length;

  for (guint i = 0; i < 3; i++)
    g_unix_fd_list_append (descriptors, 0, NULL);
  g_dbus_message_set_unix_fd_list (signal, descriptors);
  bytes = read_head (signal, G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN, &head, &length);
  g_assert_cmpuint (head.type, ==, KV_DBUS_TYPE_SIGNAL);
  g_assert_cmpuint (head.n_descriptors, ==, 3);
}

/* --- what is refused; written by our writer, which writes whatever it is told --- */

static gboolean
is_taken (const KvDbusHead *written)
{
  g_auto (KvDbusBuffer) buffer = { 0 };
  KvDbusWriter writer;
  KvDbusHead head;

  kv_dbus_writer_begin (&writer, &buffer, written);
  if (written->signature != NULL)
    kv_dbus_writer_put_uint32 (&writer, 7);
  kv_dbus_writer_end (&writer);

  return kv_dbus_head_measure (buffer.data) == buffer.end
         && kv_dbus_head_parse (&head, buffer.data, buffer.end);
}

static void
test_wants_what_a_type_must_have (void)
{
  const KvDbusHead right = {
    .type = KV_DBUS_TYPE_METHOD_CALL,
    .serial = 1,
    .path = "/p",
    .interface = "i.j",
    .member = "M",
    .signature = "u",
  };
  KvDbusHead head = right;

  g_assert_true (is_taken (&head));
#define REFUSED(field, value)                                                                      \
  head = right;                                                                                    \
  head.field = value;                                                                              \
  g_assert_false (is_taken (&head))
  REFUSED (type, 0);
  REFUSED (serial, 0);
  REFUSED (path, NULL);
  REFUSED (path, "p");
  REFUSED (path, "/org/freedesktop/DBus/Local");
  REFUSED (interface, "i");
  REFUSED (interface, "org.freedesktop.DBus.Local");
  REFUSED (member, NULL);
  REFUSED (member, "M.N");
  REFUSED (destination, "d");
  REFUSED (sender, ":1");
  REFUSED (signature, "(");
  REFUSED (type, KV_DBUS_TYPE_METHOD_RETURN);
  REFUSED (type, KV_DBUS_TYPE_ERROR);
#undef REFUSED

  head = right;
  head.interface = NULL;
  g_assert_true (is_taken (&head));
  head = right;
  head.type = KV_DBUS_TYPE_SIGNAL;
  g_assert_true (is_taken (&head));
  head.interface = NULL;
  g_assert_false (is_taken (&head));
  /* One that is still to be invented. */
  head.type = 9;
  g_assert_true (is_taken (&head));
}

/* A call whose bytes are changed at one place. */
static gboolean
is_taken_with (gsize at, guint8 value)
{
  g_auto (Sample) sample = { 0 };
  KvDbusHead head;

  sample_init (&sample, g_variant_new ("(s)", "x"), G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN);
  sample.bytes[at] = value;

  return kv_dbus_head_measure (sample.bytes) == sample.length
         && kv_dbus_head_parse (&head, sample.bytes, sample.length);
}

static void
test_refuses_what_is_no_message (void)
{
  g_assert_true (is_taken_with (0, 'l'));
  g_assert_false (is_taken_with (0, 'x'));
  g_assert_false (is_taken_with (3, 2));
  /* Of the body and of the fields: far too long. */
  g_assert_false (is_taken_with (7, 0xff));
  g_assert_false (is_taken_with (7, 0x08));
  g_assert_false (is_taken_with (15, 0xff));
  g_assert_false (is_taken_with (15, 0x04));
  /* The first field is none, is one that is not known, is of another type. */
  g_assert_false (is_taken_with (16, 0));
  g_assert_false (is_taken_with (17, 0));
  g_assert_false (is_taken_with (18, 'g'));
}

/* Whatever one byte is changed to: what we take, GDBus takes, and reads the same from it. */
static void
check_against_gdbus (guint8 *bytes, gsize length)
{
  g_autoptr (GDBusMessage) message = NULL;
  g_autoptr (GVariant) body = NULL;
  g_autoptr (GError) error = NULL;
  KvDbusHead head;
  KvDbusReader reader;

  if (kv_dbus_head_measure (bytes) != length || !kv_dbus_head_parse (&head, bytes, length))
    return;
  kv_dbus_head_init_reader (&head, &reader);
  if (!kv_dbus_reader_check (&reader, head.signature))
    return;
  message = g_dbus_message_new_from_blob (bytes, length, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
  g_assert_no_error (error);
  body = g_variant_ref_sink (variant_take (&reader, head.signature));
  if (g_dbus_message_get_body (message) != NULL)
    g_assert_true (g_variant_equal (g_dbus_message_get_body (message), body));
  g_assert_cmpstr (g_dbus_message_get_path (message), ==, head.path);
  g_assert_cmpstr (g_dbus_message_get_interface (message), ==, head.interface);
  g_assert_cmpstr (g_dbus_message_get_member (message), ==, head.member);
  g_assert_cmpstr (g_dbus_message_get_signature (message), ==, head.signature);
}

static void
test_agrees_with_gdbus (void)
{
  static const guint8 values[] = { 0, 1, 2, 7, 8, 's', 'a', '(', '.', '/', 0x80, 0xff };
  g_auto (Sample) sample = { 0 };

  sample_init (&sample, g_variant_new_parsed ("('k', {'ttl': <[byte 5]>}, (true, uint64 7))"),
               G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN);
  for (gsize at = 0; at < sample.length; at++)
    {
      guint8 kept = sample.bytes[at];

      for (gsize i = 0; i < G_N_ELEMENTS (values); i++)
        {
          sample.bytes[at] = values[i];
          check_against_gdbus (sample.bytes, sample.length);
        }
      sample.bytes[at] = kept;
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add_func ("/dbus/head/" name, function)
  ADD ("reads-a-call", test_reads_a_call);
  ADD ("reads-answers", test_reads_answers);
  ADD ("counts-descriptors", test_counts_descriptors);
  ADD ("wants-what-a-type-must-have", test_wants_what_a_type_must_have);
  ADD ("refuses-what-is-no-message", test_refuses_what_is_no_message);
  ADD ("agrees-with-gdbus", test_agrees_with_gdbus);
#undef ADD

  return g_test_run ();
}
