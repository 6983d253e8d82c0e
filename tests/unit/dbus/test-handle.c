/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "core/kv-error.h"
#include "dbus/kv-dbus-limits.h"
#include "handed.h"

#include <fcntl.h>
#include <unistd.h>

static int
open_null (void)
{
  return open ("/dev/null", O_RDWR | O_CLOEXEC);
}

static KvDbusHandle *
take (KvDbusHandles *handles, const char *sender)
{
  g_autoptr (GError) error = NULL;
  KvDbusHandle *handle = handed_take (handles, sender, open_null (), &error);

  if (handle == NULL)
    g_assert_error (error, KV_ERROR, KV_ERROR_LIMIT_EXCEEDED);
  else
    g_assert_no_error (error);

  return handle;
}

static void
test_each_caller_has_its_share (void)
{
  g_autoptr (KvDbusHandles) handles = kv_dbus_handles_new ();
  guint before = handed_count ();
  KvDbusHandle *taken[KV_DBUS_MAX_CALLER_TRANSFERS];
  KvDbusHandle *of_another;

  for (guint i = 0; i < G_N_ELEMENTS (taken); i++)
    g_assert_nonnull (taken[i] = take (handles, ":1.1"));
  g_assert_null (take (handles, ":1.1"));
  g_assert_nonnull (of_another = take (handles, ":1.2"));

  /* Closing one makes room for one. */
  g_assert_cmpint (kv_dbus_handle_close (taken[0]), ==, 0);
  g_assert_nonnull (taken[0] = take (handles, ":1.1"));
  g_assert_null (take (handles, ":1.1"));

  for (guint i = 0; i < G_N_ELEMENTS (taken); i++)
    kv_dbus_handle_close (taken[i]);
  kv_dbus_handle_close (of_another);
  g_assert_cmpuint (handed_count (), ==, before);
}

static void
test_all_have_theirs_together (void)
{
  g_autoptr (KvDbusHandles) handles = kv_dbus_handles_new ();
  guint before = handed_count ();
  KvDbusHandle *taken[KV_DBUS_MAX_TRANSFERS];

  for (guint i = 0; i < G_N_ELEMENTS (taken); i++)
    {
      g_autofree char *sender = g_strdup_printf (":1.%u", i);

      g_assert_nonnull (taken[i] = take (handles, sender));
    }
  g_assert_null (take (handles, ":1.100"));
  g_assert_cmpuint (handed_count (), ==, before + KV_DBUS_MAX_TRANSFERS);
  kv_dbus_handle_close (taken[7]);
  g_assert_nonnull (taken[7] = take (handles, ":1.100"));

  for (guint i = 0; i < G_N_ELEMENTS (taken); i++)
    kv_dbus_handle_close (taken[i]);
  g_assert_cmpuint (handed_count (), ==, before);
}

/* A thread that is held up may have the last one. */
static void
test_may_outlive_its_owner (void)
{
  KvDbusHandles *handles = kv_dbus_handles_new ();
  KvDbusHandle *handle = take (handles, ":1.1");

  kv_dbus_handles_unref (handles);
  g_assert_cmpint (fcntl (kv_dbus_handle_get_descriptor (handle), F_GETFD), >=, 0);
  kv_dbus_handle_close (handle);
}

static void
check_refused (KvDbusHandles *handles, const int *descriptors, guint n_descriptors, guint32 index)
{
  KvDbusMessage message = {
    .head = { .sender = ":1.1" },
    .descriptors = descriptors,
    .n_descriptors = n_descriptors,
  };
  g_autoptr (GError) error = NULL;

  g_assert_null (kv_dbus_handles_take (handles, &message, index, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
  /* They stay where they are closed. */
  g_assert_true (message.descriptors == descriptors);
}

static void
test_wants_just_one (void)
{
  g_autoptr (KvDbusHandles) handles = kv_dbus_handles_new ();
  int descriptors[] = { open_null (), open_null () };
  KvDbusHandle *taken[KV_DBUS_MAX_CALLER_TRANSFERS];

  for (guint i = 0; i < 2 * KV_DBUS_MAX_TRANSFERS; i++)
    {
      check_refused (handles, NULL, 0, 0);
      check_refused (handles, descriptors, 2, 0);
      check_refused (handles, descriptors, 2, 1);
      check_refused (handles, descriptors, 1, 1);
      check_refused (handles, descriptors, 1, G_MAXUINT32);
    }

  /* That has cost nobody's share. */
  for (guint i = 0; i < G_N_ELEMENTS (taken); i++)
    g_assert_nonnull (taken[i] = take (handles, ":1.1"));
  for (guint i = 0; i < G_N_ELEMENTS (taken); i++)
    kv_dbus_handle_close (taken[i]);
  close (descriptors[0]);
  close (descriptors[1]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dbus/handle/each-caller-has-its-share", test_each_caller_has_its_share);
  g_test_add_func ("/dbus/handle/all-have-theirs-together", test_all_have_theirs_together);
  g_test_add_func ("/dbus/handle/may-outlive-its-owner", test_may_outlive_its_owner);
  g_test_add_func ("/dbus/handle/wants-just-one", test_wants_just_one);

  return g_test_run ();
}
