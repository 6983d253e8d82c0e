/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "contract-words.h"

#include <stdio.h>
#include <string.h>

static const char *const error_names[] = {
  "failed",           "not-found",     "mismatch",     "invalid-key", "invalid-value",
  "invalid-argument", "unprocessable", "not-a-number", "too-large",   "limit-exceeded",
  "not-authorized",   "unavailable",   "out-of-reach",
};

G_STATIC_ASSERT (G_N_ELEMENTS (error_names) == KV_N_ERRORS);

void
say (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  vprintf (format, arguments);
  va_end (arguments);
  putchar ('\n');
  fflush (stdout);
}

void
say_error (const GError *error)
{
  g_assert (error->domain == KV_ERROR);
  say ("%s", error_names[error->code]);
}

char *
decode_text (const char *word)
{
  return g_str_equal (word, "-") ? NULL : g_uri_unescape_string (word, NULL);
}

char *
encode (const char *text, gsize length)
{
  return g_uri_escape_bytes ((const guint8 *) text, length, NULL);
}

char *
encode_value (const KvEntry *entry)
{
  gsize length;
  const char *value = kv_entry_get_value (entry, &length);

  return encode (value, length);
}

void
append_entry (GString *line, const KvEntry *entry)
{
  g_autofree char *value = entry != NULL ? encode_value (entry) : NULL;

  if (entry != NULL)
    g_string_append_printf (line, " =%s %" G_GUINT64_FORMAT, value, kv_entry_get_revision (entry));
  else
    g_string_append (line, " - 0");
}

void
append_result (GString *line, const KvResult *result)
{
  static const char *const names[] = {
    "found", "created", "replaced", "deleted", "not-found", "mismatch", "not-a-number", "aborted",
  };

  g_string_append (line, names[result->status]);
  append_entry (line, result->entry);
  g_string_append_printf (line, " %" G_GUINT64_FORMAT, result->revision);
  append_entry (line, result->previous);
}

/* The bytes of a word, with a pointer to them also when there are none. */
static const char *
decode (const char *word, GBytes **bytes, gsize *length)
{
  const char *data;

  *bytes = g_uri_unescape_bytes (word, -1, NULL, NULL);
  g_assert (*bytes != NULL);
  data = g_bytes_get_data (*bytes, length);

  return data != NULL ? data : "";
}

static gint64
read_ttl (const char *text)
{
  double microseconds = g_ascii_strtod (text, NULL) * G_USEC_PER_SEC;

  return microseconds < (double) G_MAXINT64 ? kv_clock_deadline_after ((gint64) microseconds)
                                            : KV_NO_DEADLINE;
}

static gint64
read_time (const char *text)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (text, NULL);

  g_assert (time != NULL);
  return kv_clock_deadline_after (g_date_time_to_unix (time) * G_USEC_PER_SEC
                                  + g_date_time_get_microsecond (time) - g_get_real_time ());
}

/* When the key is to expire, by the options among @words. */
static gint64
read_deadline (char **words)
{
  for (; *words != NULL && !g_str_equal (*words, "|"); words++)
    {
      if (g_str_has_prefix (*words, "ttl="))
        return read_ttl (*words + strlen ("ttl="));
      if (g_str_has_prefix (*words, "expires_at="))
        {
          g_autofree char *time = decode_text (*words + strlen ("expires_at="));

          return read_time (time);
        }
    }
  return KV_NO_DEADLINE;
}

static gboolean
read_condition (const char *word, KvOperation *operation, GBytes **expected)
{
  static const char *const names[] = {
    "", "absent", "present", "revision=", "not_revision=", "value=", "not_value=",
  };

  for (gsize i = 1; i < G_N_ELEMENTS (names); i++)
    {
      const char *operand = word + strlen (names[i]);

      if (!g_str_has_prefix (word, names[i]))
        continue;
      operation->condition = (KvCondition) i;
      if (i == KV_CONDITION_REVISION || i == KV_CONDITION_NOT_REVISION)
        operation->if_revision = g_ascii_strtoull (operand, NULL, 10);
      else if (i == KV_CONDITION_VALUE || i == KV_CONDITION_NOT_VALUE)
        operation->expected = decode (operand, expected, &operation->expected_length);
      return TRUE;
    }
  return FALSE;
}

static void
read_options (char **words, KvOperation *operation, GBytes **expected)
{
  for (; *words != NULL && !g_str_equal (*words, "|"); words++)
    {
      if (g_str_equal (*words, "keepttl"))
        operation->keep_deadline = TRUE;
      else if (g_str_equal (*words, "prev"))
        operation->want_previous = TRUE;
      else if (!g_str_has_prefix (*words, "ttl=") && !g_str_has_prefix (*words, "expires_at=")
               && !read_condition (*words, operation, expected))
        g_error ("No such option: %s", *words);
    }
}

static gboolean
init_put (char **words, KvOperation *operation, const char *key, gsize key_length, GError **error)
{
  g_autoptr (GBytes) value = NULL;
  gsize length;
  const char *data = decode (words[2], &value, &length);

  return kv_operation_init_put (operation, key, (gssize) key_length, data, (gssize) length,
                                read_deadline (words + 3), error);
}

static gboolean
init_swap (char **words,
           KvOperation *operation,
           const char *key,
           gsize key_length,
           GBytes **expected,
           GError **error)
{
  g_autoptr (GBytes) value = NULL;
  gsize length;
  const char *data = decode (words[3], &value, &length);
  gsize expected_length;
  const char *expected_data;

  if (g_str_equal (words[0], "swap-at"))
    return kv_operation_init_swap_revision (operation, key, (gssize) key_length,
                                            g_ascii_strtoull (words[2], NULL, 10), data,
                                            (gssize) length, error);
  expected_data = decode (words[2], expected, &expected_length);
  return kv_operation_init_swap (operation, key, (gssize) key_length, expected_data,
                                 expected_length, data, (gssize) length, error);
}

gboolean
read_operation (char **words, KvOperation *operation, GBytes **expected, GError **error)
{
  g_autoptr (GBytes) key = NULL;
  gsize length;
  const char *data = decode (words[1], &key, &length);
  gboolean done;
  guint n = 2;

  *expected = NULL;
  if (g_str_equal (words[0], "put"))
    {
      done = init_put (words, operation, data, length, error);
      n = 3;
    }
  else if (g_str_has_prefix (words[0], "swap"))
    {
      done = init_swap (words, operation, data, length, expected, error);
      n = 4;
    }
  else if (g_str_equal (words[0], "touch"))
    {
      done = kv_operation_init_touch (operation, data, (gssize) length, read_deadline (words + 2),
                                      error);
    }
  else if (g_str_equal (words[0], "incr"))
    {
      done = kv_operation_init (operation, KV_OPERATION_INCREMENT, data, (gssize) length, error);
      operation->delta = g_ascii_strtoll (words[2], NULL, 10);
      n = 3;
    }
  else
    {
      done = kv_operation_init (
        operation, g_str_equal (words[0], "get") ? KV_OPERATION_GET : KV_OPERATION_DELETE, data,
        (gssize) length, error);
    }
  if (done)
    read_options (words + n, operation, expected);
  return done;
}
