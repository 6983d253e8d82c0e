/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Speaks for the library in the contract suite. It reads a request a line: words that are separated by blanks, each
 * percent-encoded, "-" where there is none. It answers each with a line, and writes a line "event …" whenever a watch has
 * something to tell. */

#include "kvstore.h"

#include <gio/gunixinputstream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  GMainLoop *loop;         /* (owned) */
  KvStore *store;          /* (owned) */
  GDataInputStream *input; /* (owned) */
  GPtrArray *watches;      /* (owned) (element-type KvWatch): by number; ended ones are NULL */
} Program;

static const char *const error_names[] = {
  "failed",           "not-found",     "mismatch",     "invalid-key", "invalid-value",
  "invalid-argument", "unprocessable", "not-a-number", "too-large",   "limit-exceeded",
  "not-authorized",   "unavailable",   "out-of-reach",
};

G_STATIC_ASSERT (G_N_ELEMENTS (error_names) == KV_N_ERRORS);

static void G_GNUC_PRINTF (1, 2) say (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  vprintf (format, arguments);
  va_end (arguments);
  putchar ('\n');
  fflush (stdout);
}

static void
say_error (const GError *error)
{
  g_assert (error->domain == KV_ERROR);
  say ("%s", error_names[error->code]);
}

static GBytes *
decode (const char *word)
{
  GBytes *bytes = g_uri_unescape_bytes (word, -1, NULL, NULL);

  g_assert (bytes != NULL);
  return bytes;
}

static char *
encode (const char *text, gsize length)
{
  return g_uri_escape_bytes ((const guint8 *) text, length, NULL);
}

static char *
encode_value (const KvEntry *entry)
{
  gsize length;
  const char *value = kv_entry_get_value (entry, &length);

  return encode (value, length);
}

static gint64
read_deadline (const char *word)
{
  gint64 seconds, microseconds;

  if (g_str_equal (word, "-"))
    return KV_NO_DEADLINE;
  seconds = g_ascii_strtoll (word, NULL, 10);
  if (__builtin_mul_overflow (seconds, G_USEC_PER_SEC, &microseconds))
    return KV_NO_DEADLINE;
  return kv_clock_deadline_after (microseconds);
}

/* The operation that @words tell: GET KEY, DELETE KEY, PUT KEY VALUE TTL, SWAP KEY EXPECTED VALUE. Expected values are kept in
 * @expected for as long as the operation needs them. */
static gboolean
read_operation (char **words, KvOperation *operation, GBytes **expected, GError **error)
{
  g_autoptr (GBytes) key = decode (words[1]);
  const char *key_data = g_bytes_get_data (key, NULL);
  gssize key_length = (gssize) g_bytes_get_size (key);

  key_data = key_data != NULL ? key_data : "";
  if (g_str_equal (words[0], "put"))
    {
      g_autoptr (GBytes) value = decode (words[2]);
      const char *data = g_bytes_get_data (value, NULL);

      return kv_operation_init_put (operation, key_data, key_length, data != NULL ? data : "",
                                    (gssize) g_bytes_get_size (value), read_deadline (words[3]),
                                    error);
    }
  if (g_str_equal (words[0], "swap"))
    {
      g_autoptr (GBytes) value = decode (words[3]);
      const char *data = g_bytes_get_data (value, NULL);
      const char *expected_data;

      *expected = decode (words[2]);
      expected_data = g_bytes_get_data (*expected, NULL);
      return kv_operation_init_swap (operation, key_data, key_length,
                                     expected_data != NULL ? expected_data : "",
                                     g_bytes_get_size (*expected), data != NULL ? data : "",
                                     (gssize) g_bytes_get_size (value), error);
    }
  return kv_operation_init (operation,
                            g_str_equal (words[0], "get") ? KV_OPERATION_GET : KV_OPERATION_DELETE,
                            key_data, key_length, error);
}

static void
append_result (GString *line, const KvResult *result)
{
  g_autofree char *value = NULL;

  switch (result->status)
    {
    case KV_RESULT_FOUND:
      value = encode_value (result->entry);
      g_string_append_printf (line, "found %s", value);
      return;
    case KV_RESULT_CREATED:
      g_string_append (line, "created");
      return;
    case KV_RESULT_REPLACED:
      g_string_append (line, "replaced");
      return;
    case KV_RESULT_DELETED:
      g_string_append (line, "deleted");
      return;
    case KV_RESULT_NOT_FOUND:
      g_string_append (line, "not-found");
      return;
    case KV_RESULT_CONDITION_FAILED:
      g_string_append (line, "mismatch");
      return;
    case KV_RESULT_NOT_A_NUMBER:
    case KV_RESULT_ABORTED:
      break;
    }
  g_assert_not_reached ();
}

static void
say_results (KvStore *store,
             KvResult *results,
             guint length,
             gboolean committed,
             const GError *error,
             gpointer user_data)
{
  g_autoptr (GString) line = g_string_new (NULL);

  if (error != NULL)
    {
      say_error (error);
      return;
    }
  for (guint i = 0; i < length; i++)
    {
      if (i > 0)
        g_string_append (line, " | ");
      append_result (line, &results[i]);
    }
  say ("%s", line->str);
}

static void
do_operation (Program *program, char **words)
{
  g_auto (KvOperation) operation = { 0 };
  g_autoptr (GBytes) expected = NULL;
  g_autoptr (GError) error = NULL;

  if (read_operation (words, &operation, &expected, &error))
    kv_store_submit (program->store, &operation, 1, FALSE, say_results, NULL);
  else
    say_error (error);
}

/* batch OPERATION | OPERATION | … */
static void
do_batch (Program *program, char **words)
{
  g_autoptr (KvTransaction) batch = kv_transaction_new (FALSE);
  g_autoptr (KvOutcome) outcome = NULL;
  g_autoptr (GString) line = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  char **next = words + 1;

  while (*next != NULL)
    {
      g_auto (KvOperation) operation = { 0 };
      g_autoptr (GBytes) expected = NULL;

      if (!read_operation (next, &operation, &expected, &error))
        {
          say_error (error);
          return;
        }
      kv_transaction_add (batch, &operation);
      while (*next != NULL && !g_str_equal (*next, "|"))
        next++;
      next += *next != NULL;
    }

  outcome = kv_store_commit (program->store, batch, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < kv_outcome_get_length (outcome); i++)
    {
      if (i > 0)
        g_string_append (line, " | ");
      append_result (line, kv_outcome_get_result (outcome, i));
    }
  say ("%s", line->str);
}

static void
say_change (guint number, const KvChange *change)
{
  static const char *const kinds[] = { "put", "delete", "swap", "expired" };
  gsize length;
  const char *key = kv_change_get_key (change, &length);
  g_autofree char *key_word = encode (key, length);
  g_autofree char *value = change->entry != NULL ? encode_value (change->entry) : g_strdup ("");

  say ("event %u %s %s %s %" G_GUINT64_FORMAT, number, kinds[change->kind], key_word, value,
       change->revision);
}

static void
say_event (guint number, const KvWatchEvent *event)
{
  g_autofree char *key = NULL;
  g_autofree char *value = NULL;

  switch (event->type)
    {
    case KV_WATCH_SNAPSHOT:
      key = encode (event->key, strlen (event->key));
      value = event->entry != NULL ? encode_value (event->entry) : g_strdup ("");
      say ("event %u now %s %s 0", number, key, value);
      return;
    case KV_WATCH_CHANGE:
      say_change (number, &event->change);
      return;
    case KV_WATCH_SNAPSHOT_END:
    case KV_WATCH_RESET:
      return;
    }
}

static void
on_watch (KvWatch *watch, gpointer user_data)
{
  KvWatchEvent event = { 0 };

  while (kv_watch_next (watch, &event))
    {
      say_event (GPOINTER_TO_UINT (user_data), &event);
      kv_watch_event_clear (&event);
    }
}

/* watch SINCE KEY… */
static void
do_watch (Program *program, char **words)
{
  g_auto (GStrv) keys = g_strdupv (words + 2);
  g_autoptr (GError) error = NULL;
  guint64 since = KV_WATCH_FROM_NOW;
  guint number = program->watches->len;
  KvWatch *watch;

  for (gsize i = 0; keys[i] != NULL; i++)
    {
      char *key = g_uri_unescape_string (keys[i], NULL);

      g_assert (key != NULL);
      g_free (keys[i]);
      keys[i] = key;
    }
  if (!g_str_equal (words[1], "-"))
    since = g_ascii_strtoull (words[1], NULL, 10);
  watch = kv_watch_new (program->store, (const char *const *) keys, NULL, since, on_watch,
                        GUINT_TO_POINTER (number), &error);
  if (watch == NULL)
    {
      say_error (error);
      return;
    }
  g_ptr_array_add (program->watches, watch);
  say ("watch %u", number);
}

static void
do_unwatch (Program *program, char **words)
{
  guint number = (guint) g_ascii_strtoull (words[1], NULL, 10);

  kv_watch_free (g_steal_pointer (&g_ptr_array_index (program->watches, number)));
  say ("ended");
}

static char *
decode_text (const char *word)
{
  return g_str_equal (word, "-") ? NULL : g_uri_unescape_string (word, NULL);
}

static void
append_item (GString *line, const KvPage *page, guint index, gboolean with_value)
{
  const KvEntry *entry = kv_page_get_entry (page, index);
  gsize length;
  const char *name = kv_page_get_name (page, index, &length);
  g_autofree char *name_word = encode (name, length);
  g_autofree char *value = with_value && entry != NULL ? encode_value (entry) : g_strdup ("");

  g_string_append_printf (line, " %s %s %s", kv_page_is_folder (page, index) ? "folder" : "key",
                          name_word, value);
}

/* list PREFIX CURSOR DELIMITER LIMIT VALUES */
static void
do_list (Program *program, char **words)
{
  g_autofree char *prefix = decode_text (words[1]);
  g_autofree char *cursor = decode_text (words[2]);
  g_autofree char *delimiter = decode_text (words[3]);
  gboolean with_values = g_str_equal (words[5], "values");
  g_autoptr (GString) line = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (KvPage) page = kv_store_list (program->store, prefix, delimiter, cursor,
                                           (guint) g_ascii_strtoull (words[4], NULL, 10),
                                           with_values ? KV_LIST_VALUES : KV_LIST_ENTRIES, &error);

  if (page == NULL)
    {
      g_autofree char *message = encode (error->message, strlen (error->message));

      say ("invalid %s", message);
      return;
    }
  g_string_append (line, kv_page_get_cursor (page) != NULL ? kv_page_get_cursor (page) : "-");
  for (guint i = 0; i < kv_page_get_length (page); i++)
    append_item (line, page, i, with_values);
  say ("%s", line->str);
}

/* count PREFIX */
static void
do_count (Program *program, char **words)
{
  g_autofree char *prefix = decode_text (words[1]);
  g_autoptr (GError) error = NULL;
  guint64 count = 0;

  kv_store_count_prefix (program->store, prefix, &count, &error);
  g_assert_no_error (error);
  say ("%" G_GUINT64_FORMAT, count);
}

static void
do_status (Program *program, char **words)
{
  KvStoreStatus status;

  kv_store_get_status (program->store, &status);
  say ("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
       " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
       status.keys, status.gets, status.puts, status.deletes, status.swaps_succeeded,
       status.swaps_failed, status.watches);
}

static void
answer (Program *program, char **words)
{
  static const struct {
    const char *name;
    void (*func) (Program *program, char **words);
  } requests[] = {
    { "get", do_operation },   { "put", do_operation }, { "delete", do_operation },
    { "swap", do_operation },  { "batch", do_batch },   { "watch", do_watch },
    { "unwatch", do_unwatch }, { "status", do_status }, { "list", do_list },
    { "count", do_count },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      if (g_str_equal (words[0], requests[i].name))
        {
          requests[i].func (program, words);
          return;
        }
    }
  g_error ("No such request: %s", words[0]);
}

static void
on_line (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Program *program = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *line =
    g_data_input_stream_read_line_finish (program->input, result, NULL, &error);
  g_auto (GStrv) words = NULL;

  g_assert_no_error (error);
  if (line == NULL)
    {
      g_main_loop_quit (program->loop);
      return;
    }
  words = g_strsplit (line, " ", -1);
  answer (program, words);
  g_data_input_stream_read_line_async (program->input, G_PRIORITY_DEFAULT, NULL, on_line, program);
}

static void
free_watch (gpointer watch)
{
  if (watch != NULL)
    kv_watch_free (watch);
}

int
main (void)
{
  g_autoptr (GInputStream) input = g_unix_input_stream_new (STDIN_FILENO, FALSE);
  Program program = {
    .loop = g_main_loop_new (NULL, FALSE),
    .store = kv_store_new (),
    .input = g_data_input_stream_new (input),
    .watches = g_ptr_array_new_with_free_func (free_watch),
  };

  g_data_input_stream_read_line_async (program.input, G_PRIORITY_DEFAULT, NULL, on_line, &program);
  g_main_loop_run (program.loop);

  g_ptr_array_unref (program.watches);
  g_object_unref (program.input);
  g_object_unref (program.store);
  g_main_loop_unref (program.loop);
  return EXIT_SUCCESS;
}
