/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Pages of keys, against a model that sorts and folds all of them. */

#include "store/kv-listing.h"

#include <string.h>

static void
put (KvStore *store, const char *key, gint64 ttl)
{
  g_assert_cmpuint (kv_store_put (store, key, "value", ttl, NULL), >, 0);
}

static void
put_all (KvStore *store, const char *keys)
{
  g_auto (GStrv) list = g_strsplit (keys, " ", -1);

  for (guint i = 0; list[i] != NULL; i++)
    put (store, list[i], -1);
}

/* Reads page after page. Folders are marked with a star. Returns: (transfer full): the names, separated by blanks */
static char *
list_all (KvStore *store,
          const char *prefix,
          const char *delimiter,
          guint limit,
          KvListContent content)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *cursor = NULL;

  do
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (KvPage) page =
        kv_store_list (store, prefix, delimiter, cursor, limit, content, &error);
      guint length;

      g_assert_no_error (error);
      length = kv_page_get_length (page);
      g_assert_cmpuint (length, <=, limit);
      g_free (cursor);
      cursor = g_strdup (kv_page_get_cursor (page));
      g_assert_true (cursor == NULL || length == limit || content == KV_LIST_VALUES);
      for (guint i = 0; i < length; i++)
        g_string_append_printf (names, "%s%s%s", names->len > 0 ? " " : "",
                                kv_page_get_name (page, i, NULL),
                                kv_page_is_folder (page, i) ? "*" : "");
    }
  while (cursor != NULL);
  return g_string_free (g_steal_pointer (&names), FALSE);
}

static void
assert_lists (KvStore *store, const char *prefix, const char *delimiter, const char *expected)
{
  const guint limits[] = { 1, 2, 3, 7, KV_LIST_MAX_LIMIT };

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    for (guint content = KV_LIST_KEYS; content <= KV_LIST_VALUES; content++)
      {
        g_autofree char *names = list_all (store, prefix, delimiter, limits[i], content);

        g_assert_cmpstr (names, ==, expected);
      }
}

static guint64
count (KvStore *store, const char *prefix)
{
  g_autoptr (GError) error = NULL;
  guint64 number;

  g_assert_true (kv_store_count_prefix (store, prefix, &number, &error));
  g_assert_no_error (error);
  return number;
}

static void
test_order (void)
{
  g_autoptr (KvStore) store = kv_store_new ();

  assert_lists (store, NULL, NULL, "");
  assert_lists (store, "a", "/", "");
  put_all (store, "b a aa é ab B 10 9 a~ a/b");
  assert_lists (store, NULL, NULL, "10 9 B a a/b aa ab a~ b é");
  assert_lists (store, "", NULL, "10 9 B a a/b aa ab a~ b é");
  assert_lists (store, "a", NULL, "a a/b aa ab a~");
  assert_lists (store, "aa", NULL, "aa");
  assert_lists (store, "aaa", NULL, "");
  assert_lists (store, "é", NULL, "é");
  assert_lists (store, "z", NULL, "");
}

static void
test_folders (void)
{
  g_autoptr (KvStore) store = kv_store_new ();

  put_all (store, "users/ann users/bob users/bob/posts/1 users/bob/posts/2 users/ readme u /root "
                  "a//b a/ usersx x::y::z x::y x:z");
  assert_lists (store, NULL, "/", "/* a/* readme u users/* usersx x::y x::y::z x:z");
  assert_lists (store, "users", "/", "users/* usersx");
  assert_lists (store, "users/", "/", "users/ users/ann users/bob users/bob/*");
  assert_lists (store, "users/bob/", "/", "users/bob/posts/*");
  assert_lists (store, "a/", "/", "a/ a//*");
  assert_lists (store, "x", "::", "x::* x:z");
  assert_lists (store, "x::", "::", "x::y x::y::*");
  assert_lists (store, "users/", "bob/p", "users/ users/ann users/bob users/bob/p*");
  /* The prefix's own end is no part of a delimiter. */
  assert_lists (store, "x:", "::", "x::y x::y::* x:z");
  assert_lists (store, "us", "no such",
                "users/ users/ann users/bob users/bob/posts/1 "
                "users/bob/posts/2 usersx");
}

static void
test_entries (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvPage) page = NULL, keys = NULL;
  guint64 revision;
  KvEntry *entry;
  gsize length;

  kv_store_put (store, "a", "1", -1, NULL);
  revision = kv_store_put (store, "b", "two", G_TIME_SPAN_HOUR, NULL);
  put (store, "c/d", -1);
  page = kv_store_list (store, NULL, "/", NULL, 3, KV_LIST_ENTRIES, NULL);
  g_assert_cmpuint (kv_page_get_revision (page), ==, revision + 1);
  g_assert_null (kv_page_get_cursor (page));
  g_assert_cmpuint (kv_page_get_length (page), ==, 3);
  entry = kv_page_get_entry (page, 1);
  g_assert_cmpstr (kv_entry_get_value (entry, NULL), ==, "two");
  g_assert_cmpuint (kv_entry_get_revision (entry), ==, revision);
  g_assert_cmpstr (kv_page_get_name (page, 1, &length), ==, "b");
  g_assert_cmpuint (length, ==, 1);
  g_assert_null (kv_page_get_entry (page, 2));
  g_assert_cmpstr (kv_page_get_name (page, 2, &length), ==, "c/");
  g_assert_cmpuint (length, ==, 2);

  keys = kv_store_list (store, NULL, "/", NULL, 3, KV_LIST_KEYS, NULL);
  g_assert_null (kv_page_get_entry (keys, 1));
  g_assert_cmpstr (kv_page_get_name (keys, 1, NULL), ==, "b");

  /* It shows what it was, whatever happens to the store. */
  kv_store_put (store, "b", "three", -1, NULL);
  kv_store_delete (store, "a", NULL);
  g_assert_cmpstr (kv_entry_get_value (kv_page_get_entry (page, 1), NULL), ==, "two");
  g_assert_cmpstr (kv_page_get_name (page, 0, NULL), ==, "a");
}

static void
test_many_value_bytes (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autofree char *value = g_strnfill (KV_LIST_MANY_VALUE_BYTES / 4, 'v'), *cursor = NULL;
  const guint lengths[] = { 4, 4, 2 };

  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *key = g_strdup_printf ("k%u", i);

      kv_store_put (store, key, value, -1, NULL);
    }
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (KvPage) page =
        kv_store_list (store, NULL, NULL, cursor, 100, KV_LIST_VALUES, NULL);

      g_assert_cmpuint (kv_page_get_length (page), ==, lengths[i]);
      g_free (cursor);
      cursor = g_strdup (kv_page_get_cursor (page));
      g_assert_cmpint (cursor != NULL, ==, i < 2);
    }
  assert_lists (store, NULL, NULL, "k0 k1 k2 k3 k4 k5 k6 k7 k8 k9");
}

/* What has expired is not there, and no folder is there for it. */
static void
test_expired (void)
{
  g_autoptr (KvStore) store = kv_store_new ();

  put_all (store, "a b/stays c");
  assert_lists (store, NULL, "/", "a b/* c");
  put (store, "b/goes", 0);
  put (store, "d/goes", 0);
  put (store, "c", 0);
  assert_lists (store, NULL, "/", "a b/*");
  assert_lists (store, NULL, NULL, "a b/stays");
  g_assert_cmpuint (count (store, "b/"), ==, 1);
  g_assert_cmpuint (count (store, NULL), ==, 2);
  g_assert_cmpuint (count (store, NULL), ==, kv_store_count (store));
}

static void
test_count (void)
{
  g_autoptr (KvStore) store = kv_store_new ();

  g_assert_cmpuint (count (store, NULL), ==, 0);
  g_assert_cmpuint (count (store, "a"), ==, 0);
  put_all (store, "a a/1 a/2 a/3/4 ab b é éé");
  g_assert_cmpuint (count (store, ""), ==, 8);
  g_assert_cmpuint (count (store, "a"), ==, 5);
  g_assert_cmpuint (count (store, "a/"), ==, 3);
  g_assert_cmpuint (count (store, "é"), ==, 2);
  g_assert_cmpuint (count (store, "zz"), ==, 0);
  kv_store_delete (store, "a/1", NULL);
  put_all (store, "a/2 a/9");
  g_assert_cmpuint (count (store, "a/"), ==, 3);
}

/* Between two pages anything may come and go; what stays comes once. */
static void
test_changes_between_pages (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (KvPage) first = NULL, second = NULL, third = NULL;

  put_all (store, "b d/1 f h");
  first = kv_store_list (store, NULL, "/", NULL, 2, KV_LIST_KEYS, NULL);
  g_assert_cmpstr (kv_page_get_name (first, 1, NULL), ==, "d/");
  kv_store_delete (store, "b", NULL);
  kv_store_delete (store, "d/1", NULL);
  kv_store_delete (store, "f", NULL);
  put_all (store, "a d/2 d d0 e");
  second = kv_store_list (store, NULL, "/", kv_page_get_cursor (first), 2, KV_LIST_KEYS, NULL);
  g_assert_cmpuint (kv_page_get_length (second), ==, 2);
  g_assert_cmpstr (kv_page_get_name (second, 0, NULL), ==, "d0");
  g_assert_cmpstr (kv_page_get_name (second, 1, NULL), ==, "e");
  third = kv_store_list (store, NULL, "/", kv_page_get_cursor (second), 2, KV_LIST_KEYS, NULL);
  g_assert_cmpuint (kv_page_get_length (third), ==, 1);
  g_assert_cmpstr (kv_page_get_name (third, 0, NULL), ==, "h");
  g_assert_null (kv_page_get_cursor (third));
}

/* Stores, deletes and lists at random; the model is a sorted array made anew each time. */
static char *
make_key (GRand *random)
{
  static const char *const parts[] = { "a", "b", "ab", "/", "::", "//", "c/", "x:" };
  g_autoptr (GString) key = g_string_new (NULL);

  for (int i = g_rand_int_range (random, 1, 6); i > 0; i--)
    g_string_append (key, parts[g_rand_int_range (random, 0, G_N_ELEMENTS (parts))]);
  return g_string_free (g_steal_pointer (&key), FALSE);
}

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  return strcmp (a, b);
}

static char *
list_model (GHashTable *model, const char *prefix, const char *delimiter)
{
  g_autoptr (GList) keys = g_list_sort (g_hash_table_get_keys (model), compare_keys);
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *last = g_strdup ("");

  for (GList *link = keys; link != NULL; link = link->next)
    {
      const char *key = link->data, *found = NULL;
      g_autofree char *name = NULL;

      if (!g_str_has_prefix (key, prefix))
        continue;
      if (delimiter != NULL)
        found = strstr (key + strlen (prefix), delimiter);
      name = found == NULL
               ? g_strdup (key)
               : g_strdup_printf ("%.*s*", (int) (found + strlen (delimiter) - key), key);
      if (g_str_equal (name, last))
        continue;
      g_string_append_printf (names, "%s%s", names->len > 0 ? " " : "", name);
      g_free (last);
      last = g_steal_pointer (&name);
    }
  return g_string_free (g_steal_pointer (&names), FALSE);
}

static void
test_random (void)
{
  static const char *const delimiters[] = { NULL, "/", "::", "ab", "//" };
  g_autoptr (GRand) random = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  g_autoptr (GHashTable) model = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (KvStore) store = kv_store_new ();

  for (guint i = 0; i < 4000; i++)
    {
      g_autofree char *key = make_key (random), *prefix = make_key (random);
      const char *delimiter = delimiters[g_rand_int_range (random, 0, G_N_ELEMENTS (delimiters))];
      g_autofree char *expected = NULL, *names = NULL;

      if (g_rand_int_range (random, 0, 3) > 0)
        {
          put (store, key, -1);
          g_hash_table_add (model, g_steal_pointer (&key));
        }
      else
        {
          kv_store_delete (store, key, NULL);
          g_hash_table_remove (model, key);
        }
      if (i % 4 > 0)
        continue;
      prefix[g_rand_int_range (random, 0, (int) strlen (prefix) + 1)] = '\0';
      expected = list_model (model, prefix, delimiter);
      names = list_all (store, prefix, delimiter, (guint) g_rand_int_range (random, 1, 40),
                        (KvListContent) g_rand_int_range (random, 0, KV_LIST_COUNT));
      g_assert_cmpstr (names, ==, expected);
    }
  g_assert_cmpuint (count (store, NULL), ==, g_hash_table_size (model));
}

static void
assert_refused (KvStore *store, const KvListQuery *query, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *cursor = g_strdup (query->cursor);
  g_autofree char *prefix = query->prefix_length < 0 ? g_strdup (query->prefix) : g_strdup ("");
  g_autoptr (KvPage) page =
    kv_store_list (store, prefix, query->delimiter, cursor, query->limit, query->content, &error);

  g_assert_null (page);
  g_assert_nonnull (error);
  g_assert_true (error->domain == KV_ERROR);
  g_assert_true (error->code == KV_ERROR_INVALID_ARGUMENT || error->code == KV_ERROR_INVALID_KEY);
  g_assert_nonnull (strstr (error->message, name));
}

static void
test_refuses (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autofree char *long_prefix = g_strnfill (KV_KEY_MAX_BYTES + 1, 'p');
  g_autofree char *long_delimiter = g_strnfill (KV_LIST_MAX_DELIMITER_BYTES + 1, 'd');
  g_autofree char *changed = NULL;
  g_autoptr (KvPage) page = NULL;
  const char *cursor;

  put_all (store, "p1 p2 p3");
  page = kv_store_list (store, "p", NULL, NULL, 1, KV_LIST_KEYS, NULL);
  cursor = kv_page_get_cursor (page);
  changed = g_strdup (cursor);
  changed[5] = changed[5] == 'A' ? 'B' : 'A';
  {
    const struct {
      KvListQuery query;
      const char *name;
    } cases[] = {
      { { "p", -1, NULL, 0, NULL, 0, KV_LIST_KEYS }, "limit" },
      { { "p", -1, NULL, 0, NULL, KV_LIST_MAX_LIMIT + 1, KV_LIST_KEYS }, "limit" },
      { { "p", -1, "", -1, NULL, 1, KV_LIST_KEYS }, "delimiter" },
      { { "p", -1, long_delimiter, -1, NULL, 1, KV_LIST_KEYS }, "delimiter" },
      { { "p", -1, "\n", -1, NULL, 1, KV_LIST_KEYS }, "delimiter" },
      { { "p", -1, "\xff", -1, NULL, 1, KV_LIST_KEYS }, "delimiter" },
      { { "p\x01", -1, NULL, -1, NULL, 1, KV_LIST_KEYS }, "prefix" },
      { { "\xc3", -1, NULL, -1, NULL, 1, KV_LIST_KEYS }, "prefix" },
      { { long_prefix, -1, NULL, -1, NULL, 1, KV_LIST_KEYS }, "prefix" },
      { { "p", -1, NULL, 0, "", 1, KV_LIST_KEYS }, "cursor" },
      { { "p", -1, NULL, 0, changed, 1, KV_LIST_KEYS }, "cursor" },
      { { "p1", -1, NULL, 0, cursor, 1, KV_LIST_KEYS }, "cursor" },
      { { "p", -1, "/", -1, cursor, 1, KV_LIST_KEYS }, "cursor" },
      { { "p", -1, NULL, 0, cursor, 0, KV_LIST_COUNT }, "cursor" },
      { { "p", -1, "/", -1, NULL, 0, KV_LIST_COUNT }, "delimiter" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
      assert_refused (store, &cases[i].query, cases[i].name);
  }
}

/* The longest key and the longest prefix fit, and the limit is free to change from page to page. */
static void
test_longest (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autofree char *key = g_strnfill (KV_KEY_MAX_BYTES, 'k');
  g_autofree char *other = g_strndup (key, KV_KEY_MAX_BYTES - 1);
  g_autofree char *names = g_strdup_printf ("%s %s", other, key);
  g_autofree char *delimiter = g_strnfill (KV_LIST_MAX_DELIMITER_BYTES, 'k');
  g_autofree char *folder = g_strdup_printf ("%s*", key);

  put (store, key, -1);
  put (store, other, -1);
  assert_lists (store, NULL, NULL, names);
  assert_lists (store, other, NULL, names);
  assert_lists (store, key, NULL, key);
  folder[KV_LIST_MAX_DELIMITER_BYTES] = '*';
  folder[KV_LIST_MAX_DELIMITER_BYTES + 1] = '\0';
  assert_lists (store, NULL, delimiter, folder);
  g_assert_cmpuint (count (store, key), ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func) g_test_add_func ("/store/listing/" path, func)
  TEST ("is-in-byte-order", test_order);
  TEST ("folds-folders", test_folders);
  TEST ("shows-entries-as-they-were", test_entries);
  TEST ("ends-with-many-bytes-of-values", test_many_value_bytes);
  TEST ("passes-over-what-has-expired", test_expired);
  TEST ("counts-a-prefix", test_count);
  TEST ("goes-on-where-it-was", test_changes_between_pages);
  TEST ("equals-the-model", test_random);
  TEST ("says-what-is-wrong", test_refuses);
  TEST ("takes-the-longest", test_longest);
  return g_test_run ();
}
