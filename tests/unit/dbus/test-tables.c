/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "dbus/kv-dbus-error.h"
#include "dbus/kv-dbus-generated.h"
#include "dbus/kv-dbus-methods.h"

static void
test_every_error_has_its_own_name (void)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (int code = 0; code < KV_N_ERRORS; code++)
    {
      const char *name = kv_dbus_error_get_name ((KvError) code);

      g_assert_true (g_str_has_prefix (name, "org.kvstore.Error."));
      g_assert_true (g_hash_table_add (names, (gpointer) name));
    }
}

static void
test_every_name_leads_back_to_its_error (void)
{
  kv_dbus_error_register ();
  kv_dbus_error_register ();

  for (int code = 0; code < KV_N_ERRORS; code++)
    {
      g_autoptr (GError) error =
        g_dbus_error_new_for_dbus_error (kv_dbus_error_get_name ((KvError) code), "text");

      g_assert_error (error, KV_ERROR, code);
    }
}

static void
test_every_method_has_a_handler (void)
{
  GDBusMethodInfo **methods = kv_dbus_kv_store1_interface_info ()->methods;

  g_assert_nonnull (methods[0]);
  for (gsize i = 0; methods[i] != NULL; i++)
    {
      if (!kv_dbus_methods_has (methods[i]->name))
        g_error ("No handler for %s", methods[i]->name);
    }
  g_assert_false (kv_dbus_methods_has ("Frobnicate"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dbus/error/every-error-has-its-own-name", test_every_error_has_its_own_name);
  g_test_add_func ("/dbus/error/every-name-leads-back-to-its-error",
                   test_every_name_leads_back_to_its_error);
  g_test_add_func ("/dbus/methods/every-method-has-a-handler", test_every_method_has_a_handler);

  return g_test_run ();
}
