/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Speaks for the library in the contract suite. It reads a request a line, as contract-words.h has them. It answers each with a
 * line, and writes a line "event …" whenever a watch has something to tell. */

#include "contract-operations.h"
#include "contract-watches.h"
#include "contract-words.h"
#include "kvstore.h"

#include <gio/gunixinputstream.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  GMainLoop *loop;         /* (owned) */
  KvStore *store;          /* (owned) */
  GDataInputStream *input; /* (owned) */
  GPtrArray *watches;      /* (owned) (element-type KvWatch): by number; ended ones are NULL */
} Program;

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
do_list (KvStore *store, char **words)
{
  g_autofree char *prefix = decode_text (words[1]);
  g_autofree char *cursor = decode_text (words[2]);
  g_autofree char *delimiter = decode_text (words[3]);
  gboolean with_values = g_str_equal (words[5], "values");
  g_autoptr (GString) line = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (KvPage) page =
    kv_store_list (store, prefix, delimiter, cursor, (guint) g_ascii_strtoull (words[4], NULL, 10),
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
do_count (KvStore *store, char **words)
{
  g_autofree char *prefix = decode_text (words[1]);
  g_autoptr (GError) error = NULL;
  guint64 count = 0;

  kv_store_count_prefix (store, prefix, &count, &error);
  g_assert_no_error (error);
  say ("%" G_GUINT64_FORMAT, count);
}

static void
do_status (KvStore *store, char **words)
{
  KvStoreStatus status;

  kv_store_get_status (store, &status);
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
    void (*func) (KvStore *store, char **words);
  } requests[] = {
    { "get", do_operation },     { "put", do_operation },     { "delete", do_operation },
    { "swap", do_operation },    { "touch", do_operation },   { "incr", do_operation },
    { "swap-at", do_operation }, { "batch", do_transaction }, { "txn", do_transaction },
    { "look", do_look },         { "flood", do_flood },       { "status", do_status },
    { "list", do_list },         { "count", do_count },
  };

  if (g_str_equal (words[0], "watch"))
    {
      do_watch (program->store, program->watches, words);
      return;
    }
  if (g_str_equal (words[0], "unwatch"))
    {
      do_unwatch (program->watches, words);
      return;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      if (g_str_equal (words[0], requests[i].name))
        {
          requests[i].func (program->store, words);
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
