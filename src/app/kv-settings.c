/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "app/kv-settings.h"

#include "core/kv-error.h"
#include "core/kv-key.h"
#include "http/kv-http-context.h"
#include "kv-config.h"
#include "principal/kv-rate-limiter.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

/* A person or a script does not get near these; a loop that has run away is held to a fraction of a core. */
#define DEFAULT_RATE 5000
#define DEFAULT_BURST 10000

#define MAX_HTTP_THREADS 64
#define MAX_CONNECTIONS 1000000

/* A value travels in one message and is held in one block. Twice this no longer fits D-Bus (128 MiB) by far, and
 * the store's own limit (2 GiB) is not one that a service should reach for. */
#define MAX_VALUE_SIZE (1024u * 1024 * 1024)

typedef gboolean (*SetFunc) (KvSettings *settings, const char *value, GError **error);

typedef struct {
  const char *name;
  gboolean stored; /* FALSE for what belongs to one start of the program */
  SetFunc set;
} Setting;

static gboolean fail (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
fail (GError **error, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT, text);
  return FALSE;
}

static gboolean
parse_number (const char *value, guint64 min, guint64 max, guint64 *number, GError **error)
{
  if (g_ascii_string_to_unsigned (value, 10, min, max, number, NULL))
    return TRUE;
  return fail (error, _ ("“%s” is not a number from %lu to %lu"), value, (gulong) min,
               (gulong) max);
}

static gboolean
parse_boolean (const char *value, gboolean *result, GError **error)
{
  *result = g_str_equal (value, "true");
  if (*result || g_str_equal (value, "false"))
    return TRUE;
  return fail (error, _ ("“%s” is neither true nor false"), value);
}

static gboolean
set_allow_remote (KvSettings *settings, const char *value, GError **error)
{
  return parse_boolean (value, &settings->allow_remote, error);
}

static gboolean
set_no_express (KvSettings *settings, const char *value, GError **error)
{
  return parse_boolean (value, &settings->no_express, error);
}

static gboolean
set_bus (KvSettings *settings, const char *value, GError **error)
{
  gboolean none = g_str_equal (value, "none");

  if (!none && !g_str_equal (value, "session") && !g_str_equal (value, "system")
      && (*value == '\0' || !g_dbus_is_supported_address (value, NULL)))
    return fail (error, _ ("“%s” is neither session, system, none nor the address of a D-Bus bus"),
                 value);

  g_free (settings->bus);
  settings->bus = none ? NULL : g_strdup (value);
  settings->bus_is_default = FALSE;
  return TRUE;
}

static gboolean
set_http (KvSettings *settings, const char *value, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  if (*value == '\0')
    return fail (error, _ ("an address must not be empty"));

  if (!settings->http_is_default)
    g_strv_builder_addv (builder, (const char **) settings->http);
  g_strv_builder_add (builder, value);
  g_strfreev (settings->http);
  settings->http = g_strv_builder_end (builder);
  settings->http_is_default = FALSE;
  return TRUE;
}

static gboolean
set_http_threads (KvSettings *settings, const char *value, GError **error)
{
  guint64 number;

  if (!parse_number (value, 1, MAX_HTTP_THREADS, &number, error))
    return FALSE;
  settings->http_threads = (guint) number;
  return TRUE;
}

static gboolean
set_log_level (KvSettings *settings, const char *value, GError **error)
{
  static const struct {
    const char *name;
    GLogLevelFlags level;
  } levels[] = {
    { "error", G_LOG_LEVEL_CRITICAL },
    { "warning", G_LOG_LEVEL_WARNING },
    /* What GLib calls info is for those who look for a fault; what it calls a message is for everybody. */
    { "info", G_LOG_LEVEL_MESSAGE },
    { "debug", G_LOG_LEVEL_DEBUG },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      if (g_str_equal (value, levels[i].name))
        {
          settings->log_level = levels[i].level;
          return TRUE;
        }
    }
  return fail (error, _ ("“%s” is neither error, warning, info nor debug"), value);
}

static gboolean
set_max_connections (KvSettings *settings, const char *value, GError **error)
{
  guint64 number;

  if (!parse_number (value, 1, MAX_CONNECTIONS, &number, error))
    return FALSE;
  settings->max_connections = (guint) number;
  return TRUE;
}

static gboolean
set_max_value_size (KvSettings *settings, const char *value, GError **error)
{
  guint64 number;

  if (!parse_number (value, 1, MAX_VALUE_SIZE, &number, error))
    return FALSE;
  settings->max_value_size = (gsize) number;
  return TRUE;
}

static gboolean
set_rate_limit (KvSettings *settings, const char *value, GError **error)
{
  return kv_rate_limiter_parse (value, &settings->rate, &settings->burst, error);
}

static gboolean
set_ready_fd (KvSettings *settings, const char *value, GError **error)
{
  guint64 number;

  /* Standard error stays ours: the log goes there. */
  if (!parse_number (value, 1, G_MAXINT, &number, error))
    return FALSE;
  if (number == STDERR_FILENO || fcntl ((int) number, F_GETFD) < 0)
    return fail (error, _ ("“%s” is not a file descriptor that was left open for this"), value);
  settings->ready_fd = (int) number;
  return TRUE;
}

static gboolean
set_durability (KvSettings *settings, const char *value, GError **error)
{
  gboolean strict = g_str_equal (value, "strict");

  if (!strict && !g_str_equal (value, "relaxed"))
    return fail (error, _ ("“%s” is neither strict nor relaxed"), value);
  settings->durability = strict ? KV_DURABILITY_STRICT : KV_DURABILITY_RELAXED;
  return TRUE;
}

static gboolean
set_store (KvSettings *settings, const char *value, GError **error)
{
  static const char *const planned[] = { "etcd:", "bus:", NULL };
  gboolean memory = g_str_equal (value, "memory:");
  const char *path = g_str_has_prefix (value, "sqlite:") ? value + strlen ("sqlite:") : NULL;

  for (gsize i = 0; planned[i] != NULL; i++)
    {
      if (g_str_has_prefix (value, planned[i]))
        return fail (error, _ ("“%s” is not available in this version"), value);
    }
  if (path != NULL && (*path == '\0' || g_str_has_suffix (path, "/")))
    return fail (error, _ ("“%s” names no file: sqlite:/PATH does"), value);
  if (path == NULL && !memory)
    return fail (error, _ ("“%s” is no store that is known: sqlite:/PATH and memory: are"), value);

  g_free (settings->database);
  settings->database = path != NULL ? g_canonicalize_filename (path, NULL) : NULL;
  settings->store_is_default = FALSE;
  return TRUE;
}

static gboolean
set_version (KvSettings *settings, const char *value, GError **error)
{
  return parse_boolean (value, &settings->show_version, error);
}

static const Setting known_settings[] = {
  { "allow-remote", TRUE, set_allow_remote },
  { "bus", TRUE, set_bus },
  { "durability", TRUE, set_durability },
  { "http", TRUE, set_http },
  { "http-threads", TRUE, set_http_threads },
  { "no-express", TRUE, set_no_express },
  { "log-level", TRUE, set_log_level },
  { "max-connections", TRUE, set_max_connections },
  { "max-value-size", TRUE, set_max_value_size },
  { "rate-limit", TRUE, set_rate_limit },
  { "ready-fd", FALSE, set_ready_fd },
  { "store", TRUE, set_store },
  { "version", FALSE, set_version },
};

static const Setting *
find_setting (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (known_settings); i++)
    {
      if (g_str_equal (known_settings[i].name, name))
        return &known_settings[i];
    }
  return NULL;
}

KvSettings *
kv_settings_new (void)
{
  KvSettings *settings = g_new0 (KvSettings, 1);

  settings->http = g_new0 (char *, 1);
  settings->http_is_default = TRUE;
  settings->bus = g_strdup ("session");
  settings->bus_is_default = TRUE;
  settings->store_is_default = TRUE;
  settings->durability = KV_DURABILITY_STRICT;
  settings->http_threads = MIN (g_get_num_processors (), 2);
  settings->max_connections = kv_http_default_limits.max_connections;
  settings->max_value_size = KV_VALUE_MAX_BYTES;
  settings->rate = DEFAULT_RATE;
  settings->burst = DEFAULT_BURST;
  settings->log_level = G_LOG_LEVEL_MESSAGE;
  settings->ready_fd = -1;
  return settings;
}

void
kv_settings_free (KvSettings *settings)
{
  g_strfreev (settings->http);
  g_free (settings->bus);
  g_free (settings->database);
  g_free (settings);
}

gboolean
kv_settings_set (KvSettings *settings, const char *name, const char *value, GError **error)
{
  const Setting *setting = find_setting (name);

  if (setting == NULL)
    return fail (error, _ ("there is no such option"));
  return setting->set (settings, value, error);
}

gboolean
kv_settings_is_stored (const char *name)
{
  const Setting *setting = find_setting (name);

  return setting != NULL && setting->stored;
}
