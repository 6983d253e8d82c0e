/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* The index of keys against a sorted array, under keys and orders that are made to be awkward. */

#include "store/kv-key-iter.h"

#include <string.h>

/* The model: keys in byte order, each a GString. */
typedef struct {
  KvKeyIndex *index;
  GPtrArray *sorted; /* (owned) (element-type GString) */
} Both;

static int
compare_bytes (const char *a, gsize a_length, const char *b, gsize b_length)
{
  int order = memcmp (a, b, MIN (a_length, b_length));

  return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

/* The place of @key in the model, or that of the first behind it. */
static guint
find_in_model (const Both *both, const char *key, gsize length, gboolean *found)
{
  guint from = 0, to = both->sorted->len;

  *found = FALSE;
  while (from < to)
    {
      guint middle = (from + to) / 2;
      const GString *other = both->sorted->pdata[middle];
      int order = compare_bytes (key, length, other->str, other->len);

      *found = *found || order == 0;
      if (order <= 0)
        to = middle;
      else
        from = middle + 1;
    }
  return from;
}

static void
free_string (gpointer string)
{
  g_string_free (string, TRUE);
}

static void
both_init (Both *both)
{
  both->index = kv_key_index_new ();
  both->sorted = g_ptr_array_new_with_free_func (free_string);
}

static void
both_clear (Both *both)
{
  kv_key_index_free (both->index);
  g_ptr_array_unref (both->sorted);
}

static void
both_insert (Both *both, const char *key, gsize length)
{
  gboolean found;
  guint place = find_in_model (both, key, length, &found);

  g_assert_cmpint (kv_key_index_insert (both->index, key, length), ==, !found);
  if (!found)
    g_ptr_array_insert (both->sorted, (int) place, g_string_new_len (key, (gssize) length));
  g_assert_cmpuint (kv_key_index_get_length (both->index), ==, both->sorted->len);
}

static void
both_remove (Both *both, const char *key, gsize length)
{
  gboolean found;
  guint place = find_in_model (both, key, length, &found);

  g_assert_cmpint (kv_key_index_remove (both->index, key, length), ==, found);
  if (found)
    g_ptr_array_remove_index (both->sorted, place);
  g_assert_cmpuint (kv_key_index_get_length (both->index), ==, both->sorted->len);
}

static void
assert_at (const Both *both, const KvKeyIter *iter, guint place)
{
  const GString *expected = both->sorted->pdata[place];

  g_assert_cmpmem (iter->key, iter->length, expected->str, expected->len);
}

/* Looks up one text, which may be a key: its rank, and the keys from there on. */
static void
assert_seeks (const Both *both, const char *key, gsize length, guint steps)
{
  KvKeyIter iter;
  gboolean found;
  guint place = find_in_model (both, key, length, &found);
  gboolean there = kv_key_iter_seek (&iter, both->index, key, length);

  g_assert_cmpuint (kv_key_index_get_rank (both->index, key, length), ==, place);
  for (guint i = 0; i < steps && place < both->sorted->len; i++, place++)
    {
      g_assert_true (there);
      assert_at (both, &iter, place);
      there = kv_key_iter_next (&iter);
    }
  g_assert_cmpint (there, ==, place < both->sorted->len);
}

static void
assert_same (const Both *both)
{
  assert_seeks (both, "", 0, both->sorted->len);
  for (guint i = 0; i < both->sorted->len; i++)
    {
      const GString *key = both->sorted->pdata[i];

      g_assert_cmpuint (kv_key_index_get_rank (both->index, key->str, key->len), ==, i);
    }
}

/* Makes up a key. Each kind is awkward in another way. */
typedef gsize (*MakeKey) (GRand *random, char key[KV_KEY_MAX_BYTES]);

/* Few, so that most operations meet a key that is there. */
static gsize
make_few (GRand *random, char *key)
{
  return (gsize) g_snprintf (key, KV_KEY_MAX_BYTES, "%d", g_rand_int_range (random, 0, 300));
}

static gsize
make_numbers (GRand *random, char *key)
{
  return (gsize) g_snprintf (key, KV_KEY_MAX_BYTES, "key-%09d",
                             g_rand_int_range (random, 0, 20000));
}

/* Keys that begin with each other, and bytes from both ends of the range. */
static gsize
make_nested (GRand *random, char *key)
{
  static const char letters[] = { 'a', 'b', (char) 0xf4, ' ' };
  gsize length = (gsize) g_rand_int_range (random, 1, 12);

  for (gsize i = 0; i < length; i++)
    key[i] = letters[g_rand_int_range (random, 0, G_N_ELEMENTS (letters))];
  return length;
}

/* Long ones that differ at their ends only, beside others that share little: what they have in common comes and goes. */
static gsize
make_long (GRand *random, char *key)
{
  gsize length = (gsize) g_rand_int_range (random, KV_KEY_MAX_BYTES - 8, KV_KEY_MAX_BYTES + 1);

  memset (key, 'a' + g_rand_int_range (random, 0, 3), length);
  if (g_rand_int_range (random, 0, 4) == 0)
    length = 1 + (gsize) g_rand_int_range (random, 0, 1000);
  for (guint i = 0; i < 3; i++)
    key[length - 1 - (gsize) g_rand_int_range (random, 0, (int) MIN (length, 8))] =
      (char) ('a' + g_rand_int_range (random, 0, 26));
  return length;
}

static gsize
make_folders (GRand *random, char *key)
{
  return (gsize) g_snprintf (key, KV_KEY_MAX_BYTES, "users/%d/%s/%d",
                             g_rand_int_range (random, 0, 40),
                             g_rand_boolean (random) ? "posts" : "settings and more of them",
                             g_rand_int_range (random, 0, 200));
}

typedef struct {
  const char *name;
  MakeKey make;
  guint operations;
} Kind;

static const Kind kinds[] = {
  { "few", make_few, 60000 },         { "numbers", make_numbers, 60000 },
  { "nested", make_nested, 60000 },   { "long", make_long, 12000 },
  { "folders", make_folders, 60000 },
};

/* Grows, shrinks, and does so again: the odds of an insertion change with time. */
static void
test_random (gconstpointer data)
{
  const Kind *kind = data;
  g_autoptr (GRand) random = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  char key[KV_KEY_MAX_BYTES];
  Both both;

  both_init (&both);
  for (guint i = 0; i < kind->operations; i++)
    {
      guint phase = i * 6 / kind->operations;
      gdouble odds = phase % 2 == 0 ? 0.8 : 0.15;
      gsize length = kind->make (random, key);

      if (g_rand_double (random) < odds)
        both_insert (&both, key, length);
      else if (both.sorted->len > 0 && g_rand_boolean (random))
        {
          const GString *there =
            both.sorted->pdata[g_rand_int_range (random, 0, (int) both.sorted->len)];

          length = there->len;
          memcpy (key, there->str, length);
          both_remove (&both, key, length);
        }
      else
        both_remove (&both, key, length);
      if (i % 16 == 0)
        assert_seeks (&both, key, kind->make (random, key), 5);
      if (i % (kind->operations / 20) == 0)
        assert_same (&both);
    }
  assert_same (&both);
  both_clear (&both);
}

/* In order, forwards, backwards and from the middle; then away again in each of these orders. */
#define MANY 5000

static guint
pick (guint order, guint i)
{
  switch (order)
    {
    case 0:
      return i;
    case 1:
      return MANY - 1 - i;
    case 2:
      return i % 2 == 0 ? MANY / 2 + i / 2 : MANY / 2 - 1 - i / 2;
    case 3: /* the same few neighbourhoods in turn */
      return i % 50 * (MANY / 50) + i / 50;
    default:
      return (guint) ((guint64) i * 2654435761u % MANY); /* MANY has no factor of it */
    }
}

static void
test_orders (void)
{
  for (guint in = 0; in < 5; in++)
    for (guint out = 0; out < 5; out++)
      {
        char key[32];
        Both both;

        both_init (&both);
        for (guint i = 0; i < MANY; i++)
          both_insert (&both, key, (gsize) g_snprintf (key, sizeof key, "key/%08u", pick (in, i)));
        assert_same (&both);
        for (guint i = 0; i < MANY; i++)
          {
            both_remove (&both, key,
                         (gsize) g_snprintf (key, sizeof key, "key/%08u", pick (out, i)));
            if (i % 500 == 0)
              assert_same (&both);
          }
        g_assert_cmpuint (kv_key_index_get_length (both.index), ==, 0);
        both_insert (&both, "again", 5);
        assert_same (&both);
        both_clear (&both);
      }
}

static void
test_empty (void)
{
  g_autoptr (KvKeyIndex) index = kv_key_index_new ();
  KvKeyIter iter;

  g_assert_false (kv_key_iter_seek (&iter, index, "", 0));
  g_assert_false (kv_key_iter_seek (&iter, index, "k", 1));
  g_assert_false (kv_key_index_remove (index, "k", 1));
  g_assert_cmpuint (kv_key_index_get_rank (index, "k", 1), ==, 0);
  g_assert_cmpuint (kv_key_index_get_length (index), ==, 0);
}

static gsize
fill (KvKeyIndex *index, guint order)
{
  for (guint i = 0; i < MANY; i++)
    {
      char key[32];

      kv_key_index_insert (index, key,
                           (gsize) g_snprintf (key, sizeof key, "key/%08u", pick (order, i)));
    }
  return kv_key_index_get_size (index);
}

/* What neighbours have in common stands there once: such a key takes less than it is long. */
static void
test_small (void)
{
  for (guint order = 0; order < 5; order++)
    {
      g_autoptr (KvKeyIndex) index = kv_key_index_new ();

      g_assert_cmpuint (fill (index, order), <, MANY * strlen ("key/00000000"));
    }
}

/* What goes gives its memory back, in whatever order it goes: there are no leaves left with a key each. */
static void
test_shrinks (void)
{
  for (guint order = 0; order < 5; order++)
    {
      g_autoptr (KvKeyIndex) index = kv_key_index_new ();
      gsize full = fill (index, 4);

      for (guint i = 0; i < MANY; i++)
        {
          guint number = pick (order, i);
          char key[32];

          if (number % 50 != 0)
            kv_key_index_remove (index, key,
                                 (gsize) g_snprintf (key, sizeof key, "key/%08u", number));
        }
      g_assert_cmpuint (kv_key_index_get_length (index), ==, MANY / 50);
      g_assert_cmpuint (kv_key_index_get_size (index), <, full / 10);
    }
}

/* Sixty keys that have a thousand bytes in common, and then one that has none of them. */
static void
test_prefix_is_lost (void)
{
  char key[KV_KEY_MAX_BYTES];
  Both both;

  both_init (&both);
  memset (key, 'm', sizeof key);
  for (guint i = 0; i < 200; i++)
    {
      memcpy (key + sizeof key - 4,
              (char[]){ 'a', (char) ('a' + i / 20), (char) ('a' + i % 20), 'z' }, 4);
      both_insert (&both, key, sizeof key);
    }
  for (char first = 'a'; first <= 'z'; first++)
    {
      both_insert (&both, &first, 1);
      assert_same (&both);
    }
  for (guint i = both.sorted->len; i > 0; i--)
    {
      const GString *there = both.sorted->pdata[i * 7 % both.sorted->len];
      gsize length = there->len;

      memcpy (key, there->str, length);
      both_remove (&both, key, length);
      assert_same (&both);
    }
  both_clear (&both);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/key-index/empty", test_empty);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *path =
        g_strdup_printf ("/store/key-index/equals-the-model/%s", kinds[i].name);

      g_test_add_data_func (path, &kinds[i], test_random);
    }
  g_test_add_func ("/store/key-index/equals-the-model/in-any-order", test_orders);
  g_test_add_func ("/store/key-index/equals-the-model/when-a-prefix-is-lost", test_prefix_is_lost);
  g_test_add_func ("/store/key-index/takes-less-than-its-keys", test_small);
  g_test_add_func ("/store/key-index/gives-memory-back", test_shrinks);
  return g_test_run ();
}
