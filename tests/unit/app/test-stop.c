/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* The end of a service whose disk does not say what has become of a write. */

#include "app/kv-application.h"
#include "fault-vfs.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define REQUEST "PUT /store/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nv"

typedef gboolean (*Finish) (KvApplication *application, GAsyncResult *result, GError **error);

typedef struct {
  Finish finish;
  gboolean done;
  GError *error; /* (owned) (nullable) */
} Step;

static void
on_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Step *step = user_data;

  step->finish (KV_APPLICATION (source), result, &step->error);
  step->done = TRUE;
}

static void
await (Step *step)
{
  while (!step->done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_no_error (step->error);
}

static void
set (KvSettings *settings, const char *name, const char *value)
{
  g_autoptr (GError) error = NULL;

  kv_settings_set (settings, name, value, &error);
  g_assert_no_error (error);
}

/* Takes the descriptor. Returns the port that the service told. */
static guint16
read_port (int ready_fd)
{
  char text[512];
  gssize length = read (ready_fd, text, sizeof text - 1);
  const char *address;

  g_assert_cmpint (length, >, 0);
  text[length] = '\0';
  address = strstr (text, "http://127.0.0.1:");
  g_assert_nonnull (address);
  close (ready_fd);
  return (guint16) g_ascii_strtoull (address + strlen ("http://127.0.0.1:"), NULL, 10);
}

static GSocket *
connect_to (guint16 port)
{
  g_autoptr (GSocket) connection =
    g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", port);

  g_assert_true (g_socket_connect (connection, address, NULL, NULL));
  return g_steal_pointer (&connection);
}

static void
send_request (GSocket *connection)
{
  g_assert_cmpint (g_socket_send (connection, REQUEST, strlen (REQUEST), NULL, NULL), ==,
                   strlen (REQUEST));
}

/* The service accepts in our context. */
static void
assert_answer (GSocket *connection, const char *status)
{
  char text[1024] = { 0 };

  while (!(g_socket_condition_check (connection, G_IO_IN) & G_IO_IN))
    g_main_context_iteration (NULL, FALSE);
  g_socket_receive (connection, text, sizeof text - 1, NULL, NULL);
  g_assert_cmpint (strlen (text), >, strlen ("HTTP/1.1 "));
  text[strlen ("HTTP/1.1 ") + strlen (status)] = '\0';
  g_assert_cmpstr (text + strlen ("HTTP/1.1 "), ==, status);
}

static void
remove_directory (const char *path)
{
  g_autoptr (GDir) files = g_dir_open (path, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (files)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);

      g_assert_cmpint (unlink (file), ==, 0);
    }
  g_assert_cmpint (rmdir (path), ==, 0);
}

/* As nobody can say whether it is there, it is neither promised nor denied; but it is not left without a word. */
static void
test_write_in_doubt_is_answered (gconstpointer express)
{
  g_autofree char *directory = g_dir_make_tmp ("kv-stop-XXXXXX", NULL);
  g_autofree char *store = g_strdup_printf ("sqlite:%s/kv.db", directory);
  g_autofree char *ready = NULL;
  g_autoptr (KvSettings) settings = kv_settings_new ();
  Step start = { .finish = kv_application_start_finish };
  Step stop = { .finish = kv_application_stop_finish };
  KvApplication *application;
  g_autoptr (GSocket) connection = NULL;
  int ready_fds[2];

  g_assert_true (g_unix_open_pipe (ready_fds, FD_CLOEXEC, NULL));
  ready = g_strdup_printf ("%d", ready_fds[1]);
  set (settings, "http", "127.0.0.1:0");
  set (settings, "bus", "none");
  set (settings, "store", store);
  set (settings, "ready-fd", ready);
  if (!express)
    set (settings, "no-express", "true");
  application = kv_application_new (settings);
  kv_application_start_async (application, NULL, on_done, &start);
  await (&start);
  connection = connect_to (read_port (ready_fds[0]));
  send_request (connection);
  assert_answer (connection, "201");

  fault_vfs_set (FAULT_SYNC, 0, 1);
  fault_vfs_set_then (FAULT_WRITE);
  send_request (connection);
  while (fault_vfs_count () < 2)
    g_usleep (1000);
  kv_application_stop_async (application, on_done, &stop);
  await (&stop);
  fault_vfs_set (0, 0, 0);
  assert_answer (connection, "500");
  g_assert_finalize_object (application);
  remove_directory (directory);
}

static GLogWriterOutput
swallow (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  if ((level & G_LOG_LEVEL_MASK) >= G_LOG_LEVEL_WARNING)
    return G_LOG_WRITER_HANDLED;
  return g_log_writer_default (level, fields, n_fields, user_data);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_log_set_writer_func (swallow, NULL, NULL);
  fault_vfs_install ();
  g_test_add_data_func ("/app/stop/write-in-doubt-is-answered/express", GINT_TO_POINTER (TRUE),
                        test_write_in_doubt_is_answered);
  g_test_add_data_func ("/app/stop/write-in-doubt-is-answered/libsoup", GINT_TO_POINTER (FALSE),
                        test_write_in_doubt_is_answered);
  return g_test_run ();
}
