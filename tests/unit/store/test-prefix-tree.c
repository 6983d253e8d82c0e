/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "store/kv-prefix-tree.h"

#include <string.h>

/* The values of the prefixes of @key, one after the other. A value is the prefix as text. */
static void
assert_match (KvPrefixTree *tree, const char *key, const char *expected)
{
  g_autoptr (GString) found = g_string_new (NULL);
  KvPrefixMatch match;
  const char *value;

  kv_prefix_match_init (&match, tree, key, strlen (key));
  while ((value = kv_prefix_match_next (&match)) != NULL)
    g_string_append_printf (found, "[%s]", value);
  g_assert_cmpstr (found->str, ==, expected);
  g_assert_null (kv_prefix_match_next (&match));
}

static void
insert (KvPrefixTree *tree, const char *prefix)
{
  kv_prefix_tree_insert (tree, prefix, strlen (prefix), (gpointer) prefix);
}

static void
test_finds_shorter_first (void)
{
  g_autoptr (KvPrefixTree) tree = kv_prefix_tree_new ();

  assert_match (tree, "user/1", "");
  insert (tree, "user/12");
  insert (tree, "user/1/");
  insert (tree, "");
  insert (tree, "user/");
  insert (tree, "u");
  assert_match (tree, "user/1/name", "[][u][user/][user/1/]");
  assert_match (tree, "user/12", "[][u][user/][user/12]");
  assert_match (tree, "user/1", "[][u][user/]");
  assert_match (tree, "user", "[][u]");
  assert_match (tree, "other", "[]");
  kv_prefix_tree_remove (tree, "", 0);
  kv_prefix_tree_remove (tree, "user/", 5);
  assert_match (tree, "user/1/name", "[u][user/1/]");
}

static void
test_takes_any_bytes (void)
{
  g_autoptr (KvPrefixTree) tree = kv_prefix_tree_new ();
  char prefixes[255][2] = { 0 };

  for (guint i = 0; i < 255; i++)
    {
      prefixes[i][0] = (char) (i + 1);
      insert (tree, prefixes[i]);
    }
  for (guint i = 0; i < 255; i++)
    {
      const char key[] = { (char) (i + 1), 'x', '\0' };
      const char expected[] = { '[', (char) (i + 1), ']', '\0' };

      assert_match (tree, key, expected);
      kv_prefix_tree_remove (tree, prefixes[i], 1);
      assert_match (tree, key, "");
    }
}

#define LONGEST 12

static char *
make_text (GRand *rand)
{
  gsize length = g_rand_int_range (rand, 0, LONGEST + 1);
  char *text = g_malloc0 (LONGEST + 1);

  for (gsize i = 0; i < length; i++)
    text[i] = (char) ('a' + g_rand_int_range (rand, 0, 3) * (g_rand_int_range (rand, 0, 3) == 0));
  return text;
}

static int
compare_lengths (gconstpointer a, gconstpointer b)
{
  return (int) strlen (*(const char *const *) a) - (int) strlen (*(const char *const *) b);
}

/* Against a set that is looked through. */
static void
test_random (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  g_autoptr (KvPrefixTree) tree = kv_prefix_tree_new ();
  g_autoptr (GHashTable) set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < 20000; i++)
    {
      g_autofree char *text = make_text (rand);
      g_autofree char *key = make_text (rand);
      g_autoptr (GString) expected = g_string_new (NULL);
      g_autoptr (GPtrArray) members = g_ptr_array_new ();
      GHashTableIter iter;
      gpointer member;

      if (g_hash_table_contains (set, text))
        {
          kv_prefix_tree_remove (tree, text, strlen (text));
          g_hash_table_remove (set, text);
        }
      /* Sometimes there are many, and sometimes next to none. */
      else if (g_hash_table_size (set) < i / 1000 * 20 % 200)
        {
          insert (tree, text);
          g_hash_table_add (set, g_steal_pointer (&text));
        }

      g_hash_table_iter_init (&iter, set);
      while (g_hash_table_iter_next (&iter, &member, NULL))
        if (g_str_has_prefix (key, member))
          g_ptr_array_add (members, member);
      g_ptr_array_sort (members, compare_lengths);
      for (guint j = 0; j < members->len; j++)
        g_string_append_printf (expected, "[%s]", (const char *) members->pdata[j]);
      assert_match (tree, key, expected->str);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/prefix-tree/finds-shorter-ones-first", test_finds_shorter_first);
  g_test_add_func ("/store/prefix-tree/takes-any-bytes", test_takes_any_bytes);
  g_test_add_func ("/store/prefix-tree/random-sets", test_random);
  return g_test_run ();
}
