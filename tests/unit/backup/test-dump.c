/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* The format: what is written is read back as it was, and what is no dump is told so. */

#include "backup/kv-dump-reader.h"
#include "backup/kv-dump-writer.h"
#include "core/kv-error.h"

#include <string.h>

#define HEAD                                                                                       \
  "{\"kvstore\":\"dump\",\"version\":1,\"revision\":7,\"time\":\"2026-01-02T03:04:05Z\"}\n"
#define END(n) "{\"end\":true,\"entries\":" #n "}\n"
#define MAX_VALUE (2 * 1024 * 1024)

static GString *
write_dump (KvStore *store, gsize size)
{
  g_autoptr (KvDumpWriter) writer = kv_dump_writer_new (kv_snapshot_new (store));
  GString *out = g_string_new (NULL);

  while (kv_dump_writer_write (writer, out, size))
    ;
  g_assert_cmpuint (kv_dump_writer_get_entries (writer), ==, kv_store_count (store));
  return out;
}

static void
keep_entry (KvEntry *draft, gpointer user_data)
{
  g_ptr_array_add (user_data, draft);
}

/* Feeds @text in pieces of @piece bytes. Returns: (element-type KvEntry): the entries; not all with @error. */
static GPtrArray *
read_dump (const char *text, gsize length, gsize piece, gsize max_value, GError **error)
{
  GPtrArray *entries = g_ptr_array_new_with_free_func ((GDestroyNotify) kv_entry_unref);
  g_autoptr (KvDumpReader) reader = kv_dump_reader_new (max_value, keep_entry, entries);

  for (gsize i = 0; i < length; i += piece)
    {
      /* A copy of its own, so that a look beyond it is seen. */
      gsize n = MIN (piece, length - i);
      g_autofree char *copy = g_memdup2 (text + i, n);

      if (!kv_dump_reader_feed (reader, copy, n, error))
        return entries;
    }
  kv_dump_reader_finish (reader, error);
  return entries;
}

static void
assert_refused (const char *text, gssize length, KvError code, const char *message)
{
  gsize bytes = length < 0 ? strlen (text) : (gsize) length;
  const gsize pieces[] = { 1, 7, bytes };

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) entries = read_dump (text, bytes, pieces[i], 100, &error);

      g_assert_cmpuint (entries->len, <=, 1);
      g_assert_error (error, KV_ERROR, (int) code);
      if (!g_str_has_prefix (error->message, message))
        g_error ("“%s” is not “%s”", error->message, message);
    }
}

static void
test_lines (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  GString *dump;
  g_autofree char *expected = NULL;
  g_autofree char *time = NULL;
  guint64 revision = kv_store_put (store, "k\"", "v\n", -1, NULL);

  dump = write_dump (store, 1);
  time =
    g_strndup (strstr (dump->str, "\"time\":"), strlen ("\"time\":\"2026-01-02T03:04:05.678Z\""));
  expected = g_strdup_printf (
    "{\"kvstore\":\"dump\",\"version\":1,\"revision\":%" G_GUINT64_FORMAT ",%s}\n"
    "{\"key\":\"k\\\"\",\"value\":\"v\\n\",\"revision\":%" G_GUINT64_FORMAT "}\n" END (1),
    revision, time, revision);
  g_assert_cmpstr (dump->str, ==, expected);
  g_string_free (dump, TRUE);
}

/* Keys and values that a careless writer or reader would not get right. */
static const struct {
  const char *key;
  const char *value;
  gsize length;
} hostile[] = {
  { "empty", "", 0 },
  { "nul", "\0a\0", 3 },
  { "quotes\"\\/", "\"\\/'", 4 },
  { "controls", "\x01\x02\b\f\n\r\t\x1f\x7f", 9 },
  { "a line", "{\"end\":true,\"entries\":0}\n{\"end\":true,\"entries\":0}\n", 49 },
  { "\xf0\x9f\x97\x9d", "\xf0\x9f\x98\x80\xef\xbf\xbf\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf", 16 },
  { "\xc2\x85 ", "\xc2\x80\xf4\x8f\xbf\xbf", 6 },
  { "\\u0000", "\\u0000", 6 },
  { "end", "true", 4 },
};

static KvStore *
make_hostile_store (void)
{
  KvStore *store = kv_store_new ();

  for (guint i = 0; i < G_N_ELEMENTS (hostile); i++)
    {
      g_autoptr (KvTransaction) transaction = kv_transaction_new (FALSE);
      g_auto (KvOperation) put = { 0 };

      g_assert_true (kv_operation_init_put (&put, hostile[i].key, -1, hostile[i].value,
                                            (gssize) hostile[i].length, KV_NO_DEADLINE, NULL));
      kv_transaction_add (transaction, &put);
      kv_outcome_unref (kv_store_commit (store, transaction, NULL));
    }
  return store;
}

static void
assert_hostile (GPtrArray *entries)
{
  g_assert_cmpuint (entries->len, ==, G_N_ELEMENTS (hostile));
  for (guint i = 0; i < G_N_ELEMENTS (hostile); i++)
    {
      guint found = 0;

      for (guint j = 0; j < entries->len; j++)
        {
          const KvEntry *entry = entries->pdata[j];
          gsize length;
          const char *value = kv_entry_get_value (entry, &length);

          if (!g_str_equal (kv_entry_get_key (entry, NULL), hostile[i].key))
            continue;
          g_assert_cmpmem (value, length, hostile[i].value, hostile[i].length);
          g_assert_cmpint (kv_entry_get_deadline (entry), ==, KV_NO_DEADLINE);
          found++;
        }
      g_assert_cmpuint (found, ==, 1);
    }
}

static void
test_round_trip_at_every_split (void)
{
  g_autoptr (KvStore) store = make_hostile_store ();
  GString *dump = write_dump (store, 100);

  for (gsize split = 0; split <= dump->len; split++)
    {
      g_autoptr (GPtrArray) entries =
        g_ptr_array_new_with_free_func ((GDestroyNotify) kv_entry_unref);
      g_autoptr (KvDumpReader) reader = kv_dump_reader_new (MAX_VALUE, keep_entry, entries);
      g_autoptr (GError) error = NULL;

      g_assert_true (kv_dump_reader_feed (reader, dump->str, split, &error));
      g_assert_true (kv_dump_reader_feed (reader, dump->str + split, dump->len - split, &error));
      g_assert_true (kv_dump_reader_finish (reader, &error));
      assert_hostile (entries);
    }
  g_string_free (dump, TRUE);
}

static void
test_round_trip_byte_by_byte (void)
{
  g_autoptr (KvStore) store = make_hostile_store ();
  GString *dump = write_dump (store, 100);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries = read_dump (dump->str, dump->len, 1, MAX_VALUE, &error);

  g_assert_no_error (error);
  assert_hostile (entries);
  g_string_free (dump, TRUE);
}

/* The longest value that there may be, of what takes the most room in a line. */
static void
test_largest_value (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autofree char *value = g_malloc (MAX_VALUE + 1);
  g_autofree char *key = g_strnfill (KV_KEY_MAX_BYTES, '"');
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GError) error = NULL;
  GString *dump;
  gsize length;

  memset (value, 1, MAX_VALUE);
  value[MAX_VALUE] = '\0';
  kv_store_put (store, key, value, -1, &error);
  g_assert_no_error (error);
  dump = write_dump (store, 64 * 1024);
  g_assert_cmpuint (dump->len, >, 6 * MAX_VALUE);
  entries = read_dump (dump->str, dump->len, 32 * 1024, MAX_VALUE, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (kv_entry_get_value (entries->pdata[0], &length), ==, value);

  g_clear_pointer (&entries, g_ptr_array_unref);
  entries = read_dump (dump->str, dump->len, 32 * 1024, MAX_VALUE - 1, &error);
  g_assert_error (error, KV_ERROR, KV_ERROR_TOO_LARGE);
  g_assert_true (g_str_has_prefix (error->message, "Line 2: "));
  g_string_free (dump, TRUE);
}

static void
test_deadlines (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (KvEntry) entry = NULL;
  GString *dump;
  gint64 difference;

  kv_store_put (store, "k", "v", G_TIME_SPAN_HOUR, NULL);
  entry = kv_store_lookup (store, "k", -1);
  dump = write_dump (store, 100);
  entries = read_dump (dump->str, dump->len, dump->len, 100, &error);
  g_assert_no_error (error);
  difference = kv_entry_get_deadline (entries->pdata[0]) - kv_entry_get_deadline (entry);
  g_assert_cmpint (ABS (difference), <, G_USEC_PER_SEC);
  g_string_free (dump, TRUE);
}

static void
test_pieces_are_of_the_size (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvDumpWriter) writer = NULL;
  GString *out = g_string_new (NULL);
  guint pieces = 0;

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *key = g_strdup_printf ("key%u", i);

      kv_store_put (store, key, "value", -1, NULL);
    }
  writer = kv_dump_writer_new (kv_snapshot_new (store));
  while (kv_dump_writer_write (writer, out, 1000))
    {
      g_assert_cmpuint (out->len, >=, 1000);
      g_assert_cmpuint (out->len, <, 1200);
      g_assert_cmpint (out->str[out->len - 1], ==, '\n');
      g_string_truncate (out, 0);
      pieces++;
    }
  g_assert_cmpuint (pieces, >, 10);
  g_string_free (out, TRUE);
}

static void
test_takes_what_it_need_not_know (void)
{
  static const char text[] =
    "{\"new\":[1,2],\"version\":1,\"kvstore\":\"dump\"}\r\n"
    " { \"value\" : \"v\" , \"flags\" : {\"a\":[[]]} , \"key\" : \"k\", \"expires_at\": null } \n"
    "{\"entries\":1,\"end\":true,\"sum\":\"x\"}";
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries = read_dump (text, strlen (text), 5, 100, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (entries->len, ==, 1);
}

static void
test_refuses_what_is_no_dump (void)
{
  const KvError syntax = KV_ERROR_INVALID_ARGUMENT, shape = KV_ERROR_UNPROCESSABLE;

  assert_refused ("\n", -1, syntax, "Line 1: ");
  assert_refused ("hello", -1, syntax, "Line 1: This is not valid JSON");
  assert_refused ("[1]\n", -1, shape, "Line 1: A line of a dump is an object");
  assert_refused ("{}\n", -1, shape, "Line 1: This is not the first line of a dump");
  assert_refused ("{\"kvstore\":\"dump\",\"version\":0}\n", -1, shape, "Line 1: This is not");
  assert_refused ("{\"kvstore\":\"dump\",\"version\":\"1\"}\n", -1, shape, "Line 1: This is not");
  assert_refused ("{\"kvstore\":\"dump\",\"version\":2}\n", -1, shape,
                  "Line 1: The dump is of a newer version");
  assert_refused ("{\"key\":\"k\",\"value\":\"v\"}\n", -1, shape, "Line 1: This is not the first");
}

static void
test_refuses_bad_lines (void)
{
  const KvError syntax = KV_ERROR_INVALID_ARGUMENT, shape = KV_ERROR_UNPROCESSABLE;

#define AFTER_ENTRY(line) HEAD "{\"key\":\"k\",\"value\":\"v\"}\n" line
  assert_refused (AFTER_ENTRY ("{\"key\":\"k\",\"value\":\"v\"\n"), -1, syntax,
                  "Line 3: This is not valid JSON");
  assert_refused (AFTER_ENTRY ("\n" END (1)), -1, syntax, "Line 3: ");
  assert_refused (AFTER_ENTRY ("{\"key\":\"k\",\"value\":\"\xff\"}\n"), -1, syntax,
                  "Line 3: This is not valid JSON");
  assert_refused (AFTER_ENTRY ("{\"key\":\"k\",\"value\":\"\\ud800\"}\n"), -1, syntax,
                  "Line 3: This is not valid JSON");
  assert_refused (AFTER_ENTRY ("{\"key\":\"k\",\"value\":\"\n\"}\n"), -1, syntax,
                  "Line 3: This is not valid JSON");
  assert_refused (AFTER_ENTRY ("{\"key\":\"k\"}\n"), -1, shape, "Line 3: An entry has");
  assert_refused (AFTER_ENTRY ("{\"key\":1,\"value\":\"v\"}\n"), -1, shape, "Line 3: An entry has");
  assert_refused (AFTER_ENTRY ("{\"key\":\"k\",\"key\":\"k\",\"value\":\"v\"}\n"), -1, shape,
                  "Line 3: An object has a member twice");
  assert_refused (AFTER_ENTRY ("{\"key\":\"\",\"value\":\"v\"}\n"), -1, KV_ERROR_INVALID_KEY,
                  "Line 3: ");
  assert_refused (AFTER_ENTRY ("{\"key\":\"\\u0000\",\"value\":\"v\"}\n"), -1, KV_ERROR_INVALID_KEY,
                  "Line 3: ");
  assert_refused (AFTER_ENTRY ("{\"key\":\"k\",\"value\":\"v\",\"expires_at\":1}\n"), -1, shape,
                  "Line 3: \"expires_at\"");
  assert_refused (AFTER_ENTRY ("{\"key\":\"k\",\"value\":\"v\",\"expires_at\":\"soon\"}\n"), -1,
                  shape, "Line 3: \"expires_at\"");
  assert_refused (AFTER_ENTRY ("{\"end\":false,\"entries\":1}\n"), -1, shape,
                  "Line 3: This is not the last");
  assert_refused (AFTER_ENTRY ("{\"end\":true}\n"), -1, shape, "Line 3: This is not the last");
  assert_refused (AFTER_ENTRY ("{\"end\":true,\"entries\":-1}\n"), -1, shape,
                  "Line 3: There should be");
  assert_refused (AFTER_ENTRY (END (2)), -1, shape,
                  "Line 3: There should be 2 entries, but 1 have come");
  assert_refused (AFTER_ENTRY (END (1) END (1)), -1, shape, "Line 4: There is something behind");
  assert_refused (AFTER_ENTRY (END (1) "\n"), -1, syntax, "Line 4: ");
  assert_refused (HEAD "{\"key\":\"k\",\"value\":\"\0\"}\n", sizeof HEAD - 1 + 23, syntax,
                  "Line 2: ");
#undef AFTER_ENTRY
}

static void
test_refuses_what_is_not_whole (void)
{
  static const char text[] = HEAD "{\"key\":\"k\",\"value\":\"v\"}\n" END (1);

  /* Its last line end may be missing, but nothing more. */
  for (gsize length = 0; length < sizeof text - 2; length++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) entries = read_dump (text, length, 100, 100, &error);

      g_assert_cmpuint (entries->len, <=, 1);
      g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
    }
  assert_refused ("", 0, KV_ERROR_INVALID_ARGUMENT, "The dump is not whole: it ends behind line 0");
  assert_refused (HEAD, -1, KV_ERROR_INVALID_ARGUMENT,
                  "The dump is not whole: it ends behind line 1");
}

static void
test_bounds_lines (void)
{
  g_autofree char *text = g_strnfill (20000, ' ');
  g_autofree char *deep = g_strnfill (200, '[');
  g_autofree char *line =
    g_strconcat (HEAD "{\"key\":\"k\",\"value\":\"v\",\"x\":", deep, "\n", NULL);
  g_autofree char *value = g_strnfill (101, 'v');
  g_autofree char *entry = g_strconcat (HEAD "{\"key\":\"k\",\"value\":\"", value, "\"}\n", NULL);

  assert_refused (text, -1, KV_ERROR_TOO_LARGE, "Line 1: The line is too long");
  text[19999] = '\n';
  assert_refused (text, -1, KV_ERROR_TOO_LARGE, "Line 1: The line is too long");
  assert_refused (line, -1, KV_ERROR_INVALID_ARGUMENT, "Line 2: The JSON nests too deep");
  assert_refused (entry, -1, KV_ERROR_TOO_LARGE, "Line 2: The value is too long");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func) g_test_add_func ("/backup/dump/" path, func)
  TEST ("lines", test_lines);
  TEST ("round-trip-at-every-split", test_round_trip_at_every_split);
  TEST ("round-trip-byte-by-byte", test_round_trip_byte_by_byte);
  TEST ("largest-value", test_largest_value);
  TEST ("deadlines-are-of-the-wall-clock", test_deadlines);
  TEST ("pieces-are-of-the-size", test_pieces_are_of_the_size);
  TEST ("takes-what-it-need-not-know", test_takes_what_it_need_not_know);
  TEST ("refuses-what-is-no-dump", test_refuses_what_is_no_dump);
  TEST ("refuses-bad-lines", test_refuses_bad_lines);
  TEST ("refuses-what-is-not-whole", test_refuses_what_is_not_whole);
  TEST ("bounds-lines", test_bounds_lines);
  return g_test_run ();
}
