/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-address.h"

#include "core/kv-error.h"
#include "kv-config.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>

static char *
find_session_bus (GError **error)
{
  const char *address = g_getenv ("DBUS_SESSION_BUS_ADDRESS");
  g_autofree char *path = g_build_filename (g_get_user_runtime_dir (), "bus", NULL);
  g_autofree char *escaped = NULL;

  if (address != NULL && *address != '\0')
    return g_strdup (address);
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_UNAVAILABLE,
                           _ ("There is no session bus: DBUS_SESSION_BUS_ADDRESS is not set, "
                              "and the runtime directory has none"));
      return NULL;
    }
  escaped = g_dbus_address_escape_value (path);

  return g_strdup_printf ("unix:path=%s", escaped);
}

static char *
find_system_bus (void)
{
  const char *address = g_getenv ("DBUS_SYSTEM_BUS_ADDRESS");

  if (address != NULL && *address != '\0')
    return g_strdup (address);

  return g_strdup ("unix:path=/var/run/dbus/system_bus_socket");
}

char *
kv_dbus_address_find (const char *bus, GError **error)
{
  if (g_str_equal (bus, "session"))
    return find_session_bus (error);
  if (g_str_equal (bus, "system"))
    return find_system_bus ();

  return g_strdup (bus);
}

char *
kv_dbus_address_describe (const char *bus)
{
  if (g_str_equal (bus, "session"))
    return g_strdup (_ ("the session bus"));
  if (g_str_equal (bus, "system"))
    return g_strdup (_ ("the system bus"));

  return g_strdup (bus);
}
