/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "core/kv-error.h"
#include "dbus/kv-dbus-address.h"

#include <glib/gstdio.h>

static void
test_takes_the_environment_first (void)
{
  g_autofree char *address = NULL;
  g_autoptr (GError) error = NULL;

  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/somewhere", TRUE);
  address = kv_dbus_address_find ("session", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (address, ==, "unix:path=/somewhere");
}

static void
test_looks_into_the_runtime_directory (void)
{
  g_autofree char *path = g_build_filename (g_get_user_runtime_dir (), "bus", NULL);
  g_autofree char *expected = g_strdup_printf ("unix:path=%s", path);
  g_autofree char *address = NULL;
  g_autoptr (GError) error = NULL;

  g_unsetenv ("DBUS_SESSION_BUS_ADDRESS");
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  address = kv_dbus_address_find ("session", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (address, ==, expected);
  g_assert_cmpint (g_unlink (path), ==, 0);
}

static void
test_tells_that_there_is_none (void)
{
  g_autoptr (GError) error = NULL;

  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "", TRUE);
  g_assert_null (kv_dbus_address_find ("session", &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);
}

static void
test_knows_the_system_bus (void)
{
  g_autofree char *standard = NULL;
  g_autofree char *other = NULL;

  g_unsetenv ("DBUS_SYSTEM_BUS_ADDRESS");
  standard = kv_dbus_address_find ("system", NULL);
  g_assert_cmpstr (standard, ==, "unix:path=/var/run/dbus/system_bus_socket");
  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/other", TRUE);
  other = kv_dbus_address_find ("system", NULL);
  g_assert_cmpstr (other, ==, "unix:path=/other");
}

static void
test_passes_an_address_on (void)
{
  g_autofree char *address = kv_dbus_address_find ("unix:path=/a", NULL);
  g_autofree char *words = kv_dbus_address_describe ("unix:path=/a");

  g_assert_cmpstr (address, ==, "unix:path=/a");
  g_assert_cmpstr (words, ==, "unix:path=/a");
}

int
main (int argc, char **argv)
{
  g_autofree char *runtime_dir = g_dir_make_tmp ("kv-XXXXXX", NULL);
  int status;

  g_assert_nonnull (runtime_dir);
  g_setenv ("XDG_RUNTIME_DIR", runtime_dir, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dbus/address/takes-the-environment-first", test_takes_the_environment_first);
  g_test_add_func ("/dbus/address/looks-into-the-runtime-directory",
                   test_looks_into_the_runtime_directory);
  g_test_add_func ("/dbus/address/tells-that-there-is-none", test_tells_that_there_is_none);
  g_test_add_func ("/dbus/address/knows-the-system-bus", test_knows_the_system_bus);
  g_test_add_func ("/dbus/address/passes-an-address-on", test_passes_an_address_on);

  status = g_test_run ();
  g_rmdir (runtime_dir);

  return status;
}
