/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* What we take for a message, GDBus takes for one, of the same length, with the same head and the same values; so what GDBus
 * refuses, we refuse. */

#include "dbus/kv-dbus-methods.h"
#include "fuzz-target.h"
#include "variant.h"

#include <string.h>

static void
check_head (const KvDbusHead *head, GDBusMessage *message)
{
  g_assert_cmpuint (head->type, ==, (guint) g_dbus_message_get_message_type (message));
  g_assert_cmpuint (head->flags, ==, (guint) g_dbus_message_get_flags (message));
  g_assert_cmpuint (head->serial, ==, g_dbus_message_get_serial (message));
  g_assert_cmpuint (head->reply_serial, ==, g_dbus_message_get_reply_serial (message));
  g_assert_cmpuint (head->n_descriptors, ==, g_dbus_message_get_num_unix_fds (message));
  g_assert_cmpstr (head->path, ==, g_dbus_message_get_path (message));
  g_assert_cmpstr (head->interface, ==, g_dbus_message_get_interface (message));
  g_assert_cmpstr (head->member, ==, g_dbus_message_get_member (message));
  g_assert_cmpstr (head->error_name, ==, g_dbus_message_get_error_name (message));
  g_assert_cmpstr (head->destination, ==, g_dbus_message_get_destination (message));
  g_assert_cmpstr (head->sender, ==, g_dbus_message_get_sender (message));
  g_assert_cmpstr (head->signature, ==, g_dbus_message_get_signature (message));
}

static void
check_body (const KvDbusHead *head, KvDbusReader *reader, GDBusMessage *message)
{
  GVariant *theirs = g_dbus_message_get_body (message);
  g_autoptr (GVariant) ours = g_variant_ref_sink (variant_take (reader, head->signature));

  g_assert_false (kv_dbus_reader_has_more (reader));
  if (theirs != NULL)
    g_assert_true (g_variant_equal (ours, theirs));
  else
    g_assert_cmpuint (g_variant_n_children (ours), ==, 0);
}

/* Whether a call would be charged without a look beyond its end. */
static void
charge (const KvDbusHead *head, const KvDbusReader *reader)
{
  const KvDbusMethod *method = kv_dbus_methods_find (head);

  if (method != NULL && g_str_equal (head->signature, method->in_signature))
    g_assert_cmpuint (kv_dbus_methods_get_cost (method, reader), >=, 1);
}

static void
check_message (guint8 *bytes, gsize length)
{
  g_autoptr (GDBusMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  KvDbusHead head;
  KvDbusReader reader;

  if (!kv_dbus_head_parse (&head, bytes, length))
    return;
  kv_dbus_head_init_reader (&head, &reader);
  if (!kv_dbus_reader_check (&reader, head.signature))
    return;

  message =
    g_dbus_message_new_from_blob (bytes, length, G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, &error);
  g_assert_no_error (error);
  check_head (&head, message);
  charge (&head, &reader);
  check_body (&head, &reader, message);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize length)
{
  g_autofree guint8 *bytes = NULL;
  guint8 fixed[KV_DBUS_FIXED_HEAD_BYTES];
  gsize whole;

  if (length < sizeof fixed)
    return 0;
  memcpy (fixed, data, sizeof fixed);
  whole = kv_dbus_head_measure (fixed);
  if (whole == 0)
    return 0;
  g_assert_cmpint (g_dbus_message_bytes_needed (fixed, sizeof fixed, NULL), ==, (gssize) whole);
  if (whole > length)
    return 0;

  /* Of just that size, so that a sanitizer sees a look beyond the end. */
  bytes = g_memdup2 (data, whole);
  check_message (bytes, whole);
  return 0;
}
