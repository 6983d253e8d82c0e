/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* What a call is measured against: a service of GDBus's that does nothing of its own, so that whatever it costs to answer
 * org.freedesktop.DBus.Peer.Ping is GDBus's.
 *
 *   bench-dbus-plain ADDRESS
 *
 * Says `ready` when it has its name, and ends when its input does. */

#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME "org.kvstore.BenchPlain"

static void
die (const char *what, const GError *error)
{
  g_printerr ("bench-dbus-plain: %s%s%s\n", what, error != NULL ? ": " : "",
              error != NULL ? error->message : "");
  exit (1);
}

static void
on_acquired (GDBusConnection *connection, const char *name, gpointer user_data)
{
  puts ("ready");
  fflush (stdout);
}

static void
on_lost (GDBusConnection *connection, const char *name, gpointer user_data)
{
  die ("somebody else has the name", NULL);
}

static gboolean
on_input (GIOChannel *input, GIOCondition condition, gpointer user_data)
{
  g_main_loop_quit (user_data);

  return G_SOURCE_REMOVE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GIOChannel) input = g_io_channel_unix_new (0);
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  guint name;

  if (argc != 2)
    die ("usage: bench-dbus-plain ADDRESS", NULL);
  connection = g_dbus_connection_new_for_address_sync (
    argv[1],
    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
    NULL, NULL, &error);
  if (connection == NULL)
    die ("cannot connect", error);
  name = g_bus_own_name_on_connection (connection, NAME, G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE,
                                       on_acquired, on_lost, NULL, NULL);
  g_io_add_watch (input, G_IO_HUP | G_IO_ERR, on_input, loop);
  g_main_loop_run (loop);
  g_bus_unown_name (name);

  return 0;
}
