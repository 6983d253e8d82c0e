/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "app/kv-logging.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define OUR_DOMAIN "kvstore"

/* Written once, before there are threads. */
static GLogLevelFlags max_level;
static GLogLevelFlags fatal_levels;
static gboolean to_journal;

static const GLogField *
find_field (const GLogField *fields, gsize n_fields, const char *key)
{
  for (gsize i = 0; i < n_fields; i++)
    {
      if (g_str_equal (fields[i].key, key))
        return &fields[i];
    }
  return NULL;
}

static gboolean
is_ours (const GLogField *fields, gsize n_fields)
{
  const GLogField *domain = find_field (fields, n_fields, "GLIB_DOMAIN");

  return domain != NULL && domain->length == -1 && g_str_equal (domain->value, OUR_DOMAIN);
}

static const char *
get_level_prefix (GLogLevelFlags level)
{
  if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
    return "CRITICAL: ";
  if (level & G_LOG_LEVEL_WARNING)
    return "WARNING: ";
  return (level & G_LOG_LEVEL_DEBUG) ? "debug: " : "";
}

char *
kv_logging_format (GLogLevelFlags level, const char *message, gssize length)
{
  g_autofree char *valid = g_utf8_make_valid (message, length);
  GString *line = g_string_new ("kvstored: ");

  g_string_append (line, get_level_prefix (level));
  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      g_string_append_unichar (line, g_unichar_iscntrl (c) ? '?' : c);
    }
  g_string_append_c (line, '\n');
  return g_string_free (line, FALSE);
}

static void
write_to_stderr (GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
  const GLogField *message = find_field (fields, n_fields, "MESSAGE");
  g_autofree char *line = NULL;
  gsize length, done = 0;

  if (message == NULL)
    return;
  line = kv_logging_format (level, message->value, message->length);

  /* One write a line, past stdio, so that the lines of two threads do not mix. There is nobody to tell of a failure. */
  for (length = strlen (line); done < length;)
    {
      gssize n = write (STDERR_FILENO, line + done, length - done);

      if (n > 0)
        done += (gsize) n;
      else if (errno != EINTR)
        return;
    }
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  GLogLevelFlags bare = level & G_LOG_LEVEL_MASK;

  if (bare > max_level || (bare > G_LOG_LEVEL_MESSAGE && !is_ours (fields, n_fields)))
    return G_LOG_WRITER_HANDLED;

  if (!to_journal || g_log_writer_journald (level, fields, n_fields, NULL) != G_LOG_WRITER_HANDLED)
    write_to_stderr (level, fields, n_fields);

  /* GLib leaves it to the writer to end the process where G_DEBUG=fatal-criticals asks for it. */
  if (bare & fatal_levels)
    g_abort ();
  return G_LOG_WRITER_HANDLED;
}

void
kv_logging_start (GLogLevelFlags level)
{
  max_level = level;
  to_journal = g_log_writer_is_journald (STDERR_FILENO);
  fatal_levels = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  g_log_set_always_fatal (fatal_levels);
  g_log_set_writer_func (write_log, NULL, NULL);
}
