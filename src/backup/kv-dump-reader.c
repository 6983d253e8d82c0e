/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "backup/kv-dump-reader.h"

#include "backup/kv-dump.h"
#include "core/kv-error.h"
#include "core/kv-json-text.h"
#include "core/kv-timestamp.h"

#include <jansson.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (json_t, json_decref)

/* A byte of text takes six at most, as an escape. The rest of a line is short, also with members of some later version. */
#define LONGEST_ESCAPE 6
#define LINE_BESIDE_VALUE (LONGEST_ESCAPE * KV_KEY_MAX_BYTES + 4096)

/* What a line has grown to beyond this is not kept for the next. */
#define LITTLE (64 * 1024)

typedef enum {
  AT_HEAD,
  AMONG_ENTRIES,
  BEHIND_END,
} Place;

struct _KvDumpReader {
  gsize max_value;
  gsize max_line;
  KvDumpEntryFunc func;
  gpointer user_data;
  Place place;
  guint64 lines;   /* that have been read */
  guint64 entries; /* likewise */
  GString *part;   /* (owned): of a line whose end has not come */
};

KvDumpReader *
kv_dump_reader_new (gsize max_value, KvDumpEntryFunc func, gpointer user_data)
{
  KvDumpReader *reader = g_new0 (KvDumpReader, 1);

  reader->max_value = max_value;
  reader->max_line = LONGEST_ESCAPE * max_value + LINE_BESIDE_VALUE;
  reader->func = func;
  reader->user_data = user_data;
  reader->part = g_string_new (NULL);
  return reader;
}

void
kv_dump_reader_free (KvDumpReader *reader)
{
  g_string_free (reader->part, TRUE);
  g_free (reader);
}

static gboolean
refuse (GError **error, KvError code, const char *reason)
{
  g_set_error_literal (error, KV_ERROR, (int) code, reason);
  return FALSE;
}

static gboolean
take_head (KvDumpReader *reader, const json_t *line, GError **error)
{
  const json_t *name = json_object_get (line, "kvstore");
  const json_t *version = json_object_get (line, "version");

  if (!json_is_string (name) || strcmp (json_string_value (name), "dump") != 0
      || !json_is_integer (version) || json_integer_value (version) < 1)
    return refuse (error, KV_ERROR_UNPROCESSABLE,
                   "This is not the first line of a dump: "
                   "{\"kvstore\":\"dump\",\"version\":1,…}");
  if (json_integer_value (version) > KV_DUMP_VERSION)
    return refuse (error, KV_ERROR_UNPROCESSABLE, "The dump is of a newer version than this reads");
  reader->place = AMONG_ENTRIES;
  return TRUE;
}

static gboolean
take_end (KvDumpReader *reader, const json_t *line, GError **error)
{
  const json_t *entries = json_object_get (line, "entries");

  if (!json_is_true (json_object_get (line, "end")) || !json_is_integer (entries))
    return refuse (error, KV_ERROR_UNPROCESSABLE,
                   "This is not the last line of a dump: {\"end\":true,\"entries\":…}");
  if (json_integer_value (entries) < 0 || (guint64) json_integer_value (entries) != reader->entries)
    {
      g_set_error (error, KV_ERROR, KV_ERROR_UNPROCESSABLE,
                   "There should be %" JSON_INTEGER_FORMAT " entries, but %" G_GUINT64_FORMAT
                   " have come",
                   json_integer_value (entries), reader->entries);
      return FALSE;
    }
  reader->place = BEHIND_END;
  return TRUE;
}

static gboolean
read_deadline (const json_t *line, gint64 *deadline, GError **error)
{
  const json_t *expires_at = json_object_get (line, "expires_at");
  gint64 wall;

  *deadline = KV_NO_DEADLINE;
  if (expires_at == NULL || json_is_null (expires_at))
    return TRUE;
  if (!json_is_string (expires_at)
      || !kv_timestamp_parse (json_string_value (expires_at), json_string_length (expires_at),
                              &wall))
    return refuse (error, KV_ERROR_UNPROCESSABLE,
                   "\"expires_at\" must be a time such as \"2026-01-02T03:04:05.678Z\"");
  *deadline = kv_timestamp_to_deadline (wall);
  return TRUE;
}

static gboolean
take_entry (KvDumpReader *reader, const json_t *line, GError **error)
{
  const json_t *key = json_object_get (line, "key");
  const json_t *value = json_object_get (line, "value");
  gint64 deadline;
  KvEntry *draft;

  if (!json_is_string (key) || !json_is_string (value))
    return refuse (error, KV_ERROR_UNPROCESSABLE,
                   "An entry has a \"key\" and a \"value\", both strings");
  if (json_string_length (value) > reader->max_value)
    return refuse (error, KV_ERROR_TOO_LARGE, "The value is too long");
  if (!read_deadline (line, &deadline, error))
    return FALSE;
  draft =
    kv_entry_new (json_string_value (key), (gssize) json_string_length (key),
                  json_string_value (value), (gssize) json_string_length (value), deadline, error);
  if (draft == NULL)
    return FALSE;
  reader->entries++;
  reader->func (draft, reader->user_data);
  return TRUE;
}

static gboolean
take_object (KvDumpReader *reader, const json_t *line, GError **error)
{
  if (!json_is_object (line))
    return refuse (error, KV_ERROR_UNPROCESSABLE, "A line of a dump is an object");
  switch (reader->place)
    {
    case AT_HEAD:
      return take_head (reader, line, error);
    case AMONG_ENTRIES:
      return json_object_get (line, "end") != NULL ? take_end (reader, line, error)
                                                   : take_entry (reader, line, error);
    case BEHIND_END:
      return refuse (error, KV_ERROR_UNPROCESSABLE, "There is something behind the last line");
    }
  g_assert_not_reached ();
}

static void
set_parse_error (GError **error, const json_error_t *problem)
{
  switch ((int) json_error_code (problem))
    {
    case json_error_duplicate_key:
      refuse (error, KV_ERROR_UNPROCESSABLE, "An object has a member twice");
      break;
    case json_error_null_byte_in_key:
      refuse (error, KV_ERROR_UNPROCESSABLE, "The name of a member holds U+0000");
      break;
    case json_error_numeric_overflow:
      refuse (error, KV_ERROR_UNPROCESSABLE, "A number is out of range");
      break;
    default:
      g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT, "This is not valid JSON (column %d)",
                   problem->column);
      break;
    }
}

static gboolean
parse_line (KvDumpReader *reader, const char *text, gsize length, GError **error)
{
  json_error_t problem;
  g_autoptr (json_t) line = NULL;

  if (length > reader->max_line)
    return refuse (error, KV_ERROR_TOO_LARGE, "The line is too long");
  if (!kv_json_text_check_bounds (text, length, error))
    return FALSE;
  line = json_loadb (text, length, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &problem);
  if (line == NULL)
    {
      set_parse_error (error, &problem);
      return FALSE;
    }
  return take_object (reader, line, error);
}

static gboolean
take_line (KvDumpReader *reader, const char *text, gsize length, GError **error)
{
  reader->lines++;
  if (parse_line (reader, text, length, error))
    return TRUE;
  g_prefix_error (error, "Line %" G_GUINT64_FORMAT ": ", reader->lines);
  return FALSE;
}

static gboolean
take_part (KvDumpReader *reader, GError **error)
{
  gboolean taken = take_line (reader, reader->part->str, reader->part->len, error);

  if (reader->part->allocated_len > LITTLE)
    {
      g_string_free (reader->part, TRUE);
      reader->part = g_string_new (NULL);
    }
  g_string_truncate (reader->part, 0);
  return taken;
}

gboolean
kv_dump_reader_feed (KvDumpReader *reader, const char *data, gsize length, GError **error)
{
  const char *end = data + length, *stop;

  for (; data < end && (stop = memchr (data, '\n', (gsize) (end - data))) != NULL; data = stop + 1)
    {
      if (reader->part->len == 0)
        {
          if (!take_line (reader, data, (gsize) (stop - data), error))
            return FALSE;
          continue;
        }
      g_string_append_len (reader->part, data, stop - data);
      if (!take_part (reader, error))
        return FALSE;
    }

  if (data < end)
    g_string_append_len (reader->part, data, end - data);
  /* What is too long already need not be waited for. */
  return reader->part->len <= reader->max_line || take_part (reader, error);
}

gboolean
kv_dump_reader_finish (KvDumpReader *reader, GError **error)
{
  if (reader->part->len > 0 && !take_part (reader, error))
    return FALSE;
  if (reader->place == BEHIND_END)
    return TRUE;
  g_set_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT,
               "The dump is not whole: it ends behind line %" G_GUINT64_FORMAT
               ", without the last line",
               reader->lines);
  return FALSE;
}
