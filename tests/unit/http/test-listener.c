/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-error.h"
#include "http/server/kv-http-listener.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  char *directory;
  char *path;
  KvHttpSocketAddress address; /* a Unix socket at @path */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->directory = g_dir_make_tmp ("kv-listener-XXXXXX", NULL);
  g_assert_nonnull (fixture->directory);
  fixture->path = g_build_filename (fixture->directory, "socket", NULL);
  memset (&fixture->address, 0, sizeof fixture->address);
  fixture->address.unix_path.sun_family = AF_UNIX;
  g_strlcpy (fixture->address.unix_path.sun_path, fixture->path,
             sizeof fixture->address.unix_path.sun_path);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  /* Fails when something was left behind. */
  g_assert_cmpint (g_rmdir (fixture->directory), ==, 0);
  g_free (fixture->directory);
  g_free (fixture->path);
}

static KvHttpListener *
listen_on (const KvHttpSocketAddress *address)
{
  g_autoptr (GError) error = NULL;
  KvHttpListener *listener = kv_http_listener_new (address, &error);

  g_assert_no_error (error);
  g_assert_nonnull (listener);
  return listener;
}

static void
assert_unavailable (const KvHttpSocketAddress *address)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (kv_http_listener_new (address, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);
}

/* A socket file that nobody listens on. */
static void
leave_a_stale_file (Fixture *fixture)
{
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (bind (fd, &fixture->address.any, sizeof fixture->address.unix_path), ==, 0);
  close (fd);
}

static void
test_makes_a_private_file (Fixture *fixture, gconstpointer user_data)
{
  mode_t old_umask = umask (0);
  KvHttpListener *listener = listen_on (&fixture->address);
  struct stat info;

  umask (old_umask);
  g_assert_cmpint (lstat (fixture->path, &info), ==, 0);
  g_assert_true (S_ISSOCK (info.st_mode));
  g_assert_cmpuint (info.st_mode & 07777, ==, 0600);
  kv_http_listener_free (listener);
}

static void
test_replaces_a_stale_file (Fixture *fixture, gconstpointer user_data)
{
  leave_a_stale_file (fixture);
  kv_http_listener_free (listen_on (&fixture->address));
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
}

static void
test_leaves_a_file_in_use (Fixture *fixture, gconstpointer user_data)
{
  KvHttpListener *listener = listen_on (&fixture->address);
  int client = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  assert_unavailable (&fixture->address);
  g_assert_cmpint (connect (client, &fixture->address.any, sizeof fixture->address.unix_path), ==,
                   0);
  close (client);
  kv_http_listener_free (listener);
}

static void
test_leaves_other_files (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *contents = NULL;

  g_assert_true (g_file_set_contents (fixture->path, "precious", -1, NULL));
  assert_unavailable (&fixture->address);
  g_assert_true (g_file_get_contents (fixture->path, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "precious");
  g_unlink (fixture->path);
}

static void
test_removes_its_own_file_only (Fixture *fixture, gconstpointer user_data)
{
  KvHttpListener *listener = listen_on (&fixture->address);

  g_assert_cmpint (g_unlink (fixture->path), ==, 0);
  leave_a_stale_file (fixture);
  kv_http_listener_free (listener);
  g_assert_true (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
  g_unlink (fixture->path);
}

static void
test_picks_a_port_and_shares_none (Fixture *fixture, gconstpointer user_data)
{
  KvHttpAddress address;
  g_autoptr (KvHttpListener) listener = NULL;

  g_assert_true (kv_http_address_parse ("127.0.0.1:0", &address, NULL));
  listener = listen_on (&address.socket);
  g_assert_cmpuint (kv_http_socket_address_get_port (kv_http_listener_get_address (listener)), !=,
                    0);
  assert_unavailable (kv_http_listener_get_address (listener));
}

static void
on_accepted (const KvHttpAccepted *accepted, guint length, gpointer user_data)
{
  GPtrArray *clients = user_data;

  for (guint i = 0; i < length; i++)
    {
      g_ptr_array_add (clients, g_strdup (accepted[i].client));
      close (accepted[i].fd);
    }
}

static void
connect_to (const KvHttpSocketAddress *address)
{
  int fd = socket (address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (connect (fd, &address->any, kv_http_socket_address_get_length (address)), ==, 0);
  close (fd);
}

static void
test_tells_who_connects (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *user = g_strdup_printf ("uid:%u", (guint) geteuid ());
  g_autoptr (KvHttpListener) local = listen_on (&fixture->address);
  g_autoptr (KvHttpListener) inet = NULL;
  KvHttpAddress address;

  g_assert_true (kv_http_address_parse ("127.0.0.1:0", &address, NULL));
  inet = listen_on (&address.socket);
  kv_http_listener_start (local, on_accepted, clients);
  kv_http_listener_start (inet, on_accepted, clients);

  connect_to (&fixture->address);
  while (clients->len < 1)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (g_ptr_array_index (clients, 0), ==, user);
  connect_to (kv_http_listener_get_address (inet));
  while (clients->len < 2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (g_ptr_array_index (clients, 1), ==, "ip:127.0.0.1");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add ("/http/listener/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("makes-a-private-file", test_makes_a_private_file);
  ADD ("replaces-a-stale-file", test_replaces_a_stale_file);
  ADD ("leaves-a-file-in-use", test_leaves_a_file_in_use);
  ADD ("leaves-other-files", test_leaves_other_files);
  ADD ("removes-its-own-file-only", test_removes_its_own_file_only);
  ADD ("picks-a-port-and-shares-none", test_picks_a_port_and_shares_none);
  ADD ("tells-who-connects", test_tells_who_connects);
#undef ADD
  return g_test_run ();
}
