/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "app/kv-ready.h"
#include "core/kv-error.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

static const char *const addresses[] = { "http://127.0.0.1:41234", "unix:/run/kv", NULL };

/* Everything up to the end of the stream, which is there only when the other end has been closed. */
static char *
read_to_end (int fd)
{
  GString *text = g_string_new (NULL);
  char buffer[256];
  gssize n;

  while ((n = read (fd, buffer, sizeof buffer)) > 0)
    g_string_append_len (text, buffer, n);
  g_assert_cmpint (n, ==, 0);
  close (fd);
  return g_string_free (text, FALSE);
}

static char *
tell (const char *const *http, gboolean on_bus)
{
  g_autoptr (GError) error = NULL;
  int fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  g_assert_true (kv_ready_tell (fds[1], http, on_bus, &error));
  g_assert_no_error (error);
  return read_to_end (fds[0]);
}

static void
test_lines (void)
{
  g_autofree char *both = tell (addresses, TRUE);
  g_autofree char *http_only = tell (addresses, FALSE);
  g_autofree char *bus_only = tell (NULL, TRUE);

  g_assert_cmpstr (both, ==,
                   "READY=1\nhttp://127.0.0.1:41234\nunix:/run/kv\nbus org.kvstore.KvStore1\n");
  g_assert_cmpstr (http_only, ==, "READY=1\nhttp://127.0.0.1:41234\nunix:/run/kv\n");
  g_assert_cmpstr (bus_only, ==, "READY=1\nbus org.kvstore.KvStore1\n");
}

static void
test_nobody_listens (void)
{
  g_autoptr (GError) error = NULL;
  int fds[2];

  signal (SIGPIPE, SIG_IGN);
  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  close (fds[0]);
  g_assert_false (kv_ready_tell (fds[1], addresses, TRUE, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);
  g_assert_cmpint (fcntl (fds[1], F_GETFD), ==, -1);
}

static void
test_standard_output (void)
{
  if (g_test_subprocess ())
    {
      g_assert_true (kv_ready_tell (STDOUT_FILENO, addresses, FALSE, NULL));
      g_assert_cmpint (fcntl (STDOUT_FILENO, F_GETFD), !=, -1);
      g_assert_cmpint (write (STDOUT_FILENO, "lost", 4), ==, 4);
      _exit (0);
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stdout ("*READY=1\nhttp://127.0.0.1:41234\nunix:/run/kv\n");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/app/ready/writes-lines-and-closes", test_lines);
  g_test_add_func ("/app/ready/tells-of-failure-and-closes", test_nobody_listens);
  g_test_add_func ("/app/ready/keeps-standard-output-occupied", test_standard_output);

  return g_test_run ();
}
