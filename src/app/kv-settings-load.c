/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "app/kv-settings.h"
#include "core/kv-error.h"
#include "journal/sqlite/kv-sqlite-journal.h"
#include "kv-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define FILE_GROUP "kvstored"
#define DEFAULT_PORT 3000

/* What the command line says, in order, to be looked at only when what it overrides is known. */
typedef struct {
  GPtrArray *names;  /* (owned) (element-type utf8) */
  GPtrArray *values; /* (owned) (element-type utf8) */
  char *config_file; /* (owned) (nullable) */
  char **rest;       /* (owned) (nullable) */
} CommandLine;

static void
command_line_clear (CommandLine *line)
{
  g_clear_pointer (&line->names, g_ptr_array_unref);
  g_clear_pointer (&line->values, g_ptr_array_unref);
  g_clear_pointer (&line->config_file, g_free);
  g_clear_pointer (&line->rest, g_strfreev);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CommandLine, command_line_clear)

static gboolean
note_option (const char *option, const char *value, gpointer user_data, GError **error)
{
  CommandLine *line = user_data;

  g_ptr_array_add (line->names, g_strdup (option + strlen ("--")));
  g_ptr_array_add (line->values, g_strdup (value != NULL ? value : "true"));
  return TRUE;
}

static gboolean
fail (GError **error, const char *message)
{
  g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT, message);
  return FALSE;
}

static GOptionContext *
new_option_context (CommandLine *line)
{
  const GOptionEntry entries[] = {
    { "http", 0, 0, G_OPTION_ARG_CALLBACK, note_option,
      N_ ("Serve HTTP on ADDRESS, or none; may be given several times"), N_ ("ADDRESS") },
    { "bus", 0, 0, G_OPTION_ARG_CALLBACK, note_option,
      N_ ("Serve D-Bus on WHICH: session (default), system, an address, or none"), N_ ("WHICH") },
    { "store", 0, 0, G_OPTION_ARG_CALLBACK, note_option,
      N_ ("Keep the keys in WHERE: memory:, or sqlite:/PATH (the default, in XDG_DATA_HOME)"),
      N_ ("WHERE") },
    { "durability", 0, 0, G_OPTION_ARG_CALLBACK, note_option,
      N_ ("Answer writes when they are on the disk: strict (default), or before: relaxed"),
      N_ ("HOW") },
    { "rate-limit", 0, 0, G_OPTION_ARG_CALLBACK, note_option,
      N_ ("Requests a second for each client (default: 5000:10000), or off"), N_ ("N[:BURST]") },
    { "http-threads", 0, 0, G_OPTION_ARG_CALLBACK, note_option,
      N_ ("Threads that serve HTTP (default: 2)"), N_ ("N") },
    { "no-express", 0, G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, note_option,
      N_ ("Answer all HTTP requests through libsoup, which is slower"), NULL },
    { "max-connections", 0, 0, G_OPTION_ARG_CALLBACK, note_option,
      N_ ("HTTP connections at a time"), N_ ("N") },
    { "max-value-size", 0, 0, G_OPTION_ARG_CALLBACK, note_option,
      N_ ("Longest value that is taken (default: 2097152)"), N_ ("BYTES") },
    { "allow-remote", 0, G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, note_option,
      N_ ("Allow HTTP addresses that other machines can reach"), NULL },
    { "log-level", 0, 0, G_OPTION_ARG_CALLBACK, note_option,
      N_ ("Log what is error, warning, info (default) or debug, or worse"), N_ ("LEVEL") },
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &line->config_file,
      N_ ("Read FILE (default: kvstore/kvstore.conf in XDG_CONFIG_HOME)"), N_ ("FILE") },
    { "ready-fd", 0, 0, G_OPTION_ARG_CALLBACK, note_option,
      N_ ("Tell the open file descriptor N what is served, once it is"), N_ ("N") },
    { "version", 0, G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, note_option,
      N_ ("Print the version and exit"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &line->rest, NULL, NULL },
    G_OPTION_ENTRY_NULL
  };
  GOptionContext *context = g_option_context_new (NULL);
  GOptionGroup *group = g_option_group_new ("kvstored", NULL, NULL, line, NULL);

  g_option_group_add_entries (group, entries);
  g_option_group_set_translation_domain (group, GETTEXT_PACKAGE);
  g_option_context_set_main_group (context, group);
  g_option_context_set_translation_domain (context, GETTEXT_PACKAGE);
  g_option_context_set_summary (
    context, N_ ("Serves one store of keys and values over HTTP and over D-Bus."));
  g_option_context_set_description (
    context,
    N_ ("An ADDRESS is 127.0.0.1:3000, [::1]:3000, localhost:3000 for both (the default), or\n"
        "unix:/PATH; port 0 picks a free one. KV_STORE_PORT in the environment sets the port of\n"
        "the default. Every option but --config, --ready-fd and --version may also stand, without\n"
        "its dashes, in the group [kvstored] of the configuration file."));
  return context;
}

/* GOption takes `--flag=VALUE` for `--flag`, and so `--allow-remote=false` for the opposite of what it says. */
static gboolean
check_flags (const char *const *arguments, GError **error)
{
  static const char *const flags[] = { "--allow-remote", "--no-express", "--version" };

  for (gsize i = 0; arguments[i] != NULL; i++)
    {
      for (gsize j = 0; j < G_N_ELEMENTS (flags); j++)
        {
          if (g_str_has_prefix (arguments[i], flags[j]) && arguments[i][strlen (flags[j])] == '=')
            {
              g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT, _ ("%s takes no value"),
                           flags[j]);
              return FALSE;
            }
        }
    }
  return TRUE;
}

static gboolean
read_command_line (CommandLine *line, const char *const *arguments, GError **error)
{
  g_autoptr (GOptionContext) context = new_option_context (line);
  g_auto (GStrv) copy = g_strdupv ((char **) arguments);
  g_autoptr (GError) option_error = NULL;

  line->names = g_ptr_array_new_with_free_func (g_free);
  line->values = g_ptr_array_new_with_free_func (g_free);
  if (!check_flags (arguments, error))
    return FALSE;
  if (!g_option_context_parse_strv (context, &copy, &option_error))
    return fail (error, option_error->message);
  if (line->rest != NULL)
    {
      g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                   _ ("“%s” is no option, and nothing else is expected"), line->rest[0]);
      return FALSE;
    }
  return TRUE;
}

/* Names the option in what is wrong with its value. */
static gboolean
set_from (KvSettings *settings,
          const char *dashes,
          const char *name,
          const char *value,
          GError **error)
{
  if (kv_settings_set (settings, name, value, error))
    return TRUE;
  g_prefix_error (error, "%s%s: ", dashes, name);
  return FALSE;
}

static void
forget_http (KvSettings *settings)
{
  g_strfreev (settings->http);
  settings->http = g_new0 (char *, 1);
  settings->http_is_default = TRUE;
}

/* The one option that may be given several times is a list in a file. */
static gboolean
apply_key (KvSettings *settings, GKeyFile *file, const char *key, GError **error)
{
  g_autoptr (GError) value_error = NULL;
  g_autofree char *value = NULL;
  g_auto (GStrv) list = NULL;

  if (!kv_settings_is_stored (key))
    {
      g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT, _ ("there is no key “%s”"), key);
      return FALSE;
    }
  if (!g_str_equal (key, "http"))
    {
      /* A value with a wrong escape comes together with an error. */
      value = g_key_file_get_string (file, FILE_GROUP, key, &value_error);
      if (value_error == NULL)
        return set_from (settings, "", key, value, error);
      g_propagate_error (error, g_steal_pointer (&value_error));
      return FALSE;
    }

  list = g_key_file_get_string_list (file, FILE_GROUP, key, NULL, error);
  if (list == NULL)
    return FALSE;
  if (list[0] == NULL)
    return set_from (settings, "", key, "", error);
  for (gsize i = 0; list[i] != NULL; i++)
    {
      if (!set_from (settings, "", key, list[i], error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
apply_file (KvSettings *settings, GKeyFile *file, GError **error)
{
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);
  g_auto (GStrv) keys = NULL;

  for (gsize i = 0; groups[i] != NULL; i++)
    {
      if (!g_str_equal (groups[i], FILE_GROUP))
        {
          g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                       _ ("there is no group [%s], only [%s]"), groups[i], FILE_GROUP);
          return FALSE;
        }
    }

  keys = g_key_file_get_keys (file, FILE_GROUP, NULL, NULL);
  for (gsize i = 0; keys != NULL && keys[i] != NULL; i++)
    {
      if (!apply_key (settings, file, keys[i], error))
        return FALSE;
    }
  return TRUE;
}

static char *
get_default_path (const char *const *environment,
                  const char *variable,
                  const char *below_home,
                  const char *name)
{
  const char *base = g_environ_getenv ((char **) environment, variable);
  const char *home = g_environ_getenv ((char **) environment, "HOME");
  g_autofree char *fallback = NULL;

  /* XDG Base Directory Specification: a path that is not absolute counts as none. */
  if (base == NULL || !g_path_is_absolute (base))
    base = fallback = g_build_filename (home != NULL ? home : g_get_home_dir (), below_home, NULL);
  return g_build_filename (base, "kvstore", name, NULL);
}

static gboolean
read_file (KvSettings *settings,
           const char *given_path,
           const char *const *environment,
           GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = NULL;
  g_autoptr (GError) file_error = NULL;

  path = given_path != NULL
           ? g_strdup (given_path)
           : get_default_path (environment, "XDG_CONFIG_HOME", ".config", "kvstore.conf");
  if (g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &file_error)
      && apply_file (settings, file, &file_error))
    return TRUE;
  if (given_path == NULL && g_error_matches (file_error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return TRUE;
  g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT, "%s: %s", path, file_error->message);
  return FALSE;
}

static gboolean
read_environment (KvSettings *settings,
                  const char *const *environment,
                  guint64 *port,
                  GError **error)
{
  const char *value = g_environ_getenv ((char **) environment, "KV_STORE_PORT");

  *port = DEFAULT_PORT;
  if (value == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned (value, 10, 0, G_MAXUINT16, port, NULL))
    {
      g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                   _ ("KV_STORE_PORT: “%s” is not a port: a number from 0 to 65535"), value);
      return FALSE;
    }
  forget_http (settings);
  return TRUE;
}

static gboolean
apply_command_line (KvSettings *settings, const CommandLine *line, GError **error)
{
  if (g_ptr_array_find_with_equal_func (line->names, "http", g_str_equal, NULL))
    forget_http (settings);
  for (guint i = 0; i < line->names->len; i++)
    {
      if (!set_from (settings, "--", line->names->pdata[i], line->values->pdata[i], error))
        return FALSE;
    }
  return TRUE;
}

/* What no single source can know: the defaults that depend on others, and what does not go together. */
static gboolean
complete (KvSettings *settings, guint64 port, const char *const *environment, GError **error)
{
  if (settings->store_is_default)
    settings->database =
      get_default_path (environment, "XDG_DATA_HOME", ".local/share", "kvstore.db");
  if (settings->database != NULL && settings->max_value_size > KV_SQLITE_VALUE_MAX_BYTES)
    {
      g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
                   _ ("--max-value-size: a value that is kept in a file has at most %u bytes"),
                   KV_SQLITE_VALUE_MAX_BYTES);
      return FALSE;
    }
  if (settings->http_is_default)
    {
      g_strfreev (settings->http);
      settings->http = g_new0 (char *, 2);
      settings->http[0] = g_strdup_printf ("localhost:%" G_GUINT64_FORMAT, port);
    }
  if (g_strv_contains ((const char *const *) settings->http, "none"))
    {
      if (g_strv_length (settings->http) > 1)
        return fail (error, _ ("--http: “none” excludes every other address"));
      g_clear_pointer (&settings->http[0], g_free);
    }
  if (settings->http[0] == NULL && settings->bus == NULL)
    return fail (error, _ ("with --http none and --bus none there is nothing to serve"));
  return TRUE;
}

KvSettings *
kv_settings_load (const char *const *arguments, const char *const *environment, GError **error)
{
  g_autoptr (KvSettings) settings = kv_settings_new ();
  g_auto (CommandLine) line = { NULL };
  guint64 port;

  if (!read_command_line (&line, arguments, error))
    return NULL;
  if (g_ptr_array_find_with_equal_func (line.names, "version", g_str_equal, NULL))
    settings->show_version = TRUE;
  else if (!read_file (settings, line.config_file, environment, error)
           || !read_environment (settings, environment, &port, error)
           || !apply_command_line (settings, &line, error)
           || !complete (settings, port, environment, error))
    return NULL;
  return g_steal_pointer (&settings);
}
