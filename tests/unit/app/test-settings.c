/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "app/kv-settings.h"
#include "core/kv-error.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  char *directory;    /* (owned) what XDG_CONFIG_HOME names */
  char *file;         /* (owned) kvstore/kvstore.conf in it, which need not be there */
  char **environment; /* (owned) */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *folder = NULL;

  fixture->directory = g_dir_make_tmp ("kv-settings-XXXXXX", NULL);
  g_assert_nonnull (fixture->directory);
  folder = g_build_filename (fixture->directory, "kvstore", NULL);
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  fixture->file = g_build_filename (folder, "kvstore.conf", NULL);
  fixture->environment = g_environ_setenv (NULL, "XDG_CONFIG_HOME", fixture->directory, TRUE);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autofree char *folder = g_path_get_dirname (fixture->file);

  g_unlink (fixture->file);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
  g_assert_cmpint (g_rmdir (fixture->directory), ==, 0);
  g_free (fixture->directory);
  g_free (fixture->file);
  g_strfreev (fixture->environment);
}

static void
write_file (Fixture *fixture, const char *contents)
{
  g_assert_true (g_file_set_contents (fixture->file, contents, -1, NULL));
}

static void
set_port (Fixture *fixture, const char *port)
{
  fixture->environment = g_environ_setenv (fixture->environment, "KV_STORE_PORT", port, TRUE);
}

/* The command line is a text here, split at blanks. */
static KvSettings *
try_load (Fixture *fixture, const char *command_line, GError **error)
{
  g_autofree char *whole = g_strconcat ("kvstored ", command_line, NULL);
  g_auto (GStrv) arguments = g_strsplit (g_strchomp (whole), " ", -1);

  return kv_settings_load ((const char *const *) arguments,
                           (const char *const *) fixture->environment, error);
}

static KvSettings *
load (Fixture *fixture, const char *command_line)
{
  g_autoptr (GError) error = NULL;
  KvSettings *settings = try_load (fixture, command_line, &error);

  g_assert_no_error (error);
  g_assert_nonnull (settings);
  return settings;
}

static void
assert_refused (Fixture *fixture, const char *command_line, const char *part_of_message)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (KvSettings) settings = try_load (fixture, command_line, &error);

  if (settings != NULL)
    g_error ("“%s” was taken", command_line);
  g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
  if (strstr (error->message, part_of_message) == NULL)
    g_error ("“%s” is not in “%s”", part_of_message, error->message);
}

static void
assert_http (const KvSettings *settings, const char *joined)
{
  g_autofree char *actual = g_strjoinv (" ", settings->http);

  g_assert_cmpstr (actual, ==, joined);
}

static void
test_defaults (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KvSettings) settings = load (fixture, "");

  assert_http (settings, "localhost:3000");
  g_assert_true (settings->http_is_default);
  g_assert_cmpstr (settings->bus, ==, "session");
  g_assert_true (settings->bus_is_default);
  g_assert_false (settings->allow_remote);
  g_assert_false (settings->show_version);
  g_assert_cmpuint (settings->http_threads, ==, MIN (g_get_num_processors (), 2));
  g_assert_cmpuint (settings->max_value_size, ==, 2097152);
  g_assert_cmpuint (settings->max_connections, >=, 1000);
  g_assert_cmpuint (settings->rate, ==, 5000);
  g_assert_cmpuint (settings->burst, ==, 10000);
  g_assert_cmpuint (settings->log_level, ==, G_LOG_LEVEL_MESSAGE);
  g_assert_cmpint (settings->ready_fd, ==, -1);
}

static void
test_command_line (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KvSettings) settings =
    load (fixture, "--http 127.0.0.1:0 --http=unix:/tmp/kv --bus none --store memory: "
                   "--rate-limit 7:9 --http-threads 3 --max-connections 11 --max-value-size 13 "
                   "--log-level debug --allow-remote --no-express --ready-fd 1");

  assert_http (settings, "127.0.0.1:0 unix:/tmp/kv");
  g_assert_false (settings->http_is_default);
  g_assert_null (settings->bus);
  g_assert_false (settings->bus_is_default);
  g_assert_true (settings->allow_remote);
  g_assert_true (settings->no_express);
  g_assert_cmpuint (settings->rate, ==, 7);
  g_assert_cmpuint (settings->burst, ==, 9);
  g_assert_cmpuint (settings->http_threads, ==, 3);
  g_assert_cmpuint (settings->max_connections, ==, 11);
  g_assert_cmpuint (settings->max_value_size, ==, 13);
  g_assert_cmpuint (settings->log_level, ==, G_LOG_LEVEL_DEBUG);
  g_assert_cmpint (settings->ready_fd, ==, 1);
}

static void
test_last_one_wins (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KvSettings) settings = load (fixture, "--rate-limit 1 --rate-limit off --bus none "
                                                   "--bus system");

  g_assert_cmpuint (settings->rate, ==, 0);
  g_assert_cmpstr (settings->bus, ==, "system");
}

static void
test_version (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KvSettings) settings = NULL;

  /* A broken configuration must not hide which version it is that does not like it. */
  write_file (fixture, "no key file");
  settings = load (fixture, "--version");
  g_assert_true (settings->show_version);
}

static void
test_bad_values (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *command_line;
    const char *message;
  } cases[] = {
    { "--http", "--http" },
    { "--http=", "--http: " },
    { "--http none --http 127.0.0.1:0", "none" },
    { "--http none --bus none", "nothing to serve" },
    { "--bus nonsense", "--bus: “nonsense”" },
    { "--bus=", "--bus: " },
    { "--rate-limit 0", "--rate-limit: " },
    { "--rate-limit -1", "--rate-limit: " },
    { "--rate-limit 5:", "--rate-limit: " },
    { "--rate-limit 5:0", "--rate-limit: " },
    { "--rate-limit some", "--rate-limit: " },
    { "--http-threads 0", "--http-threads: “0”" },
    { "--http-threads 65", "from 1 to 64" },
    { "--http-threads 1x", "--http-threads: “1x”" },
    { "--max-connections 0", "--max-connections: “0”" },
    { "--max-connections 1000001", "--max-connections: " },
    { "--max-value-size 0", "--max-value-size: " },
    { "--max-value-size -1", "--max-value-size: “-1”" },
    { "--max-value-size 1073741825", "--max-value-size: " },
    { "--max-value-size 18446744073709551617", "--max-value-size: " },
    { "--log-level loud", "--log-level: “loud”" },
    { "--log-level Info", "--log-level: “Info”" },
    { "--ready-fd -1", "--ready-fd: " },
    { "--ready-fd 0", "--ready-fd: " },
    { "--ready-fd 2", "--ready-fd: " },
    { "--ready-fd 2147483648", "--ready-fd: " },
    { "--version=1", "version" },
    { "--allow-remote=no", "allow-remote" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (fixture, cases[i].command_line, cases[i].message);
}

static void
test_closed_ready_fd (Fixture *fixture, gconstpointer data)
{
  g_autofree char *option = NULL;
  int fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  close (fd);
  option = g_strdup_printf ("--ready-fd %d", fd);
  assert_refused (fixture, option, "--ready-fd: ");
}

static void
test_stores (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KvSettings) memory = load (fixture, "--store memory:");
  g_autoptr (KvSettings) file =
    load (fixture, "--store sqlite:/tmp/x/../kv.db --durability relaxed");
  g_autofree char *expected = g_build_filename (fixture->directory, "kvstore", "kvstore.db", NULL);
  g_autoptr (KvSettings) usual = NULL;

  g_assert_null (memory->database);
  g_assert_cmpint (memory->durability, ==, KV_DURABILITY_STRICT);
  g_assert_cmpstr (file->database, ==, "/tmp/kv.db");
  g_assert_cmpint (file->durability, ==, KV_DURABILITY_RELAXED);
  fixture->environment =
    g_environ_setenv (fixture->environment, "XDG_DATA_HOME", fixture->directory, TRUE);
  usual = load (fixture, "");
  g_assert_cmpstr (usual->database, ==, expected);
  assert_refused (fixture, "--store sqlite:", "names no file");
  assert_refused (fixture, "--store sqlite:/tmp/", "names no file");
  assert_refused (fixture, "--max-value-size 1000000000", "--max-value-size: ");
  assert_refused (fixture, "--durability lax", "“lax”");
  assert_refused (fixture, "--store etcd://127.0.0.1:2379/kv", "not available");
  assert_refused (fixture, "--store bus:", "not available");
  assert_refused (fixture, "--store redis:", "redis:");
  assert_refused (fixture, "--store memory", "“memory”");
  assert_refused (fixture, "--store memory:x", "“memory:x”");
  assert_refused (fixture, "--store=", "--store: ");
}

static void
test_unknown_options (Fixture *fixture, gconstpointer data)
{
  static const char *const unknown[] = { "--http-auth", "--allow-origin", "--allow-host",
                                         "--nonsense" };

  for (gsize i = 0; i < G_N_ELEMENTS (unknown); i++)
    {
      g_autofree char *line = g_strdup_printf ("%s x", unknown[i]);

      assert_refused (fixture, line, unknown[i]);
    }
}

static void
test_positional (Fixture *fixture, gconstpointer data)
{
  assert_refused (fixture, "start", "“start”");
  assert_refused (fixture, "--bus none stop", "“stop”");
  assert_refused (fixture, "-- --bus", "“--bus”");
}

static void
test_bus_address (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KvSettings) settings = load (fixture, "--bus unix:path=/run/some/bus");

  g_assert_cmpstr (settings->bus, ==, "unix:path=/run/some/bus");
}

static void
test_port (Fixture *fixture, gconstpointer data)
{
  static const char *const good[] = { "0", "1", "65535" };
  static const char *const bad[] = { "", "65536", "-1", "+5", " 80", "80 ", "http", "0x50" };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (KvSettings) settings = NULL;
      g_autofree char *address = g_strconcat ("localhost:", good[i], NULL);

      set_port (fixture, good[i]);
      settings = load (fixture, "");
      assert_http (settings, address);
      g_assert_true (settings->http_is_default);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      set_port (fixture, bad[i]);
      assert_refused (fixture, "", "KV_STORE_PORT");
    }
}

static void
test_precedence (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KvSettings) from_file = NULL;
  g_autoptr (KvSettings) from_environment = NULL;
  g_autoptr (KvSettings) from_command_line = NULL;

  write_file (fixture, "[kvstored]\nhttp=127.0.0.1:1;unix:/tmp/kv\nrate-limit=3:4\n");
  from_file = load (fixture, "");
  assert_http (from_file, "127.0.0.1:1 unix:/tmp/kv");
  g_assert_false (from_file->http_is_default);

  set_port (fixture, "5");
  from_environment = load (fixture, "");
  assert_http (from_environment, "localhost:5");
  g_assert_true (from_environment->http_is_default);

  from_command_line = load (fixture, "--http [::1]:2 --rate-limit 8");
  assert_http (from_command_line, "[::1]:2");
  g_assert_false (from_command_line->http_is_default);
  g_assert_cmpuint (from_command_line->rate, ==, 8);
  g_assert_cmpuint (from_command_line->burst, ==, 16);
}

static void
test_file (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KvSettings) settings = NULL;

  write_file (fixture, "# a comment\n"
                       "[kvstored]\n"
                       "http=none\n"
                       "bus=system\n"
                       "store=memory:\n"
                       "durability=relaxed\n"
                       "rate-limit=off\n"
                       "http-threads=1\n"
                       "max-connections=2\n"
                       "max-value-size=3\n"
                       "allow-remote=true\n"
                       "no-express=true\n"
                       "log-level=warning\n");
  settings = load (fixture, "");
  assert_http (settings, "");
  g_assert_cmpstr (settings->bus, ==, "system");
  g_assert_false (settings->bus_is_default);
  g_assert_cmpuint (settings->rate, ==, 0);
  g_assert_cmpuint (settings->http_threads, ==, 1);
  g_assert_cmpuint (settings->max_connections, ==, 2);
  g_assert_cmpuint (settings->max_value_size, ==, 3);
  g_assert_true (settings->allow_remote);
  g_assert_true (settings->no_express);
  g_assert_cmpuint (settings->log_level, ==, G_LOG_LEVEL_WARNING);
}

static void
test_bad_files (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *contents;
    const char *message;
  } cases[] = {
    { "[kvstored]\nhtttp=none\n", "“htttp”" },
    { "[kvstored]\nready-fd=1\n", "“ready-fd”" },
    { "[kvstored]\nversion=true\n", "“version”" },
    { "[kvstored]\nconfig=/etc/passwd\n", "“config”" },
    { "[other]\nhttp=none\n", "[other]" },
    { "[kvstored]\n[more]\n", "[more]" },
    { "http=none\n", "kvstore.conf: " },
    { "[kvstored]\nlog-level=loud\n", "kvstore.conf: log-level: “loud”" },
    { "[kvstored]\nallow-remote=yes\n", "kvstore.conf: allow-remote: “yes”" },
    { "[kvstored]\nstore=sqlite:\n", "names no file" },
    { "[kvstored]\nbus=unix:path=\\q\n", "kvstore.conf: " },
    { "[kvstored]\nmax-value-size=\\q\n", "kvstore.conf: " },
    { "[kvstored]\nhttp=\n", "kvstore.conf: http: " },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      write_file (fixture, cases[i].contents);
      assert_refused (fixture, "", cases[i].message);
    }
}

static void
test_config_option (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KvSettings) settings = NULL;
  g_autofree char *other = g_build_filename (fixture->directory, "other.conf", NULL);
  g_autofree char *option = g_strconcat ("--config ", other, NULL);

  assert_refused (fixture, option, "other.conf");

  /* The one that is named is read instead of the default one, not on top of it. */
  write_file (fixture, "[kvstored]\nrate-limit=1:1\n");
  g_assert_true (g_file_set_contents (other, "[kvstored]\nbus=none\n", -1, NULL));
  settings = load (fixture, option);
  g_assert_null (settings->bus);
  g_assert_cmpuint (settings->rate, ==, 5000);
  g_assert_cmpint (g_unlink (other), ==, 0);
}

static void
test_relative_config_home (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KvSettings) settings = NULL;
  g_autofree char *home = g_build_filename (fixture->directory, "kvstore", NULL);

  write_file (fixture, "no key file");
  fixture->environment =
    g_environ_setenv (fixture->environment, "XDG_CONFIG_HOME", "kvstore", TRUE);
  fixture->environment = g_environ_setenv (fixture->environment, "HOME", home, TRUE);
  settings = load (fixture, "");
  g_assert_nonnull (settings);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/app/settings/has-defaults", test_defaults);
  ADD ("/app/settings/takes-every-option", test_command_line);
  ADD ("/app/settings/last-of-an-option-wins", test_last_one_wins);
  ADD ("/app/settings/version-looks-at-nothing-else", test_version);
  ADD ("/app/settings/refuses-bad-values", test_bad_values);
  ADD ("/app/settings/refuses-closed-ready-fd", test_closed_ready_fd);
  ADD ("/app/settings/keeps-keys-in-memory-only", test_stores);
  ADD ("/app/settings/refuses-unknown-options", test_unknown_options);
  ADD ("/app/settings/refuses-positional-arguments", test_positional);
  ADD ("/app/settings/takes-bus-address", test_bus_address);
  ADD ("/app/settings/takes-port-from-environment", test_port);
  ADD ("/app/settings/command-line-beats-environment-beats-file", test_precedence);
  ADD ("/app/settings/reads-file", test_file);
  ADD ("/app/settings/refuses-bad-files", test_bad_files);
  ADD ("/app/settings/reads-named-file-instead", test_config_option);
  ADD ("/app/settings/relative-config-home-counts-as-none", test_relative_config_home);

  return g_test_run ();
}
