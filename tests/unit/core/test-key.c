/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "core/kv-error.h"
#include "core/kv-hash.h"
#include "core/kv-key.h"

#include <string.h>

static void
assert_key (const char *key, gssize length, gboolean valid)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (kv_key_validate (key, length, &error), ==, valid);
  if (valid)
    g_assert_no_error (error);
  else
    g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_KEY);
}

static void
test_accepts (void)
{
  g_autofree char *longest = g_strnfill (KV_KEY_MAX_BYTES, 'k');

  assert_key ("k", -1, TRUE);
  assert_key ("a/b c%d+e\"'", -1, TRUE);
  assert_key ("ключ 鍵 🔑", -1, TRUE);
  assert_key ("\xc2\x80", -1, TRUE); /* U+0080: C1 controls are not among those named */
  assert_key (longest, -1, TRUE);
}

static void
test_refuses (void)
{
  g_autofree char *too_long = g_strnfill (KV_KEY_MAX_BYTES + 1, 'k');

  assert_key ("", -1, FALSE);
  assert_key (too_long, -1, FALSE);
  assert_key ("a\nb", -1, FALSE);
  assert_key ("a\rb", -1, FALSE);
  assert_key ("a\x1f", -1, FALSE);
  assert_key ("a\x7f", -1, FALSE);
  assert_key ("a\0b", 3, FALSE);
}

/* RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF, nothing cut short. */
static void
test_refuses_bad_utf8 (void)
{
  const char *bad[] = {
    "\xff",  "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
    "a\xc3", "\x80"
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      assert_key (bad[i], -1, FALSE);
      g_assert_false (kv_value_validate (bad[i], strlen (bad[i]), &error));
      g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_VALUE);
    }
}

/* Several bytes are looked at together, and how many depends on where they stand. */
static void
test_looks_at_every_byte (void)
{
  g_autofree char *text = g_strnfill (80, 'x');

  for (gsize length = 1; length <= 80; length++)
    for (gsize place = 0; place < length; place++)
      {
        for (guint byte = 0; byte < 256; byte++)
          {
            text[place] = (char) byte;
            g_assert_cmpint (kv_key_validate (text, (gssize) length, NULL), ==,
                             byte >= 0x20 && byte < 0x7f);
            g_assert_cmpint (kv_value_validate (text, length, NULL), ==, byte < 0x80);
          }
        if (place + 1 < length)
          {
            memcpy (text + place, "é", 2);
            g_assert_true (kv_key_validate (text, (gssize) length, NULL));
            g_assert_true (kv_value_validate (text, length, NULL));
            text[place + 1] = 'x';
          }
        text[place] = 'x';
      }
}

/* The bytes at hand, and none of those behind them, which a page might not have. */
static void
test_reads_no_further (void)
{
  for (gsize length = 1; length <= 80; length++)
    {
      g_autofree char *text = g_malloc (length);

      memset (text, 'x', length);
      g_assert_true (kv_key_validate (text, (gssize) length, NULL));
      g_assert_true (kv_value_validate (text, length, NULL));
      kv_key_hash (text, length);
    }
}

static void
test_value_may_hold_nul (void)
{
  g_assert_true (kv_value_validate ("a\0b", 3, NULL));
  g_assert_true (kv_value_validate ("\0", 1, NULL));
  g_assert_true (kv_value_validate ("", 0, NULL));
  g_assert_false (kv_value_validate ("a\0\xff", 3, NULL));
}

static void
test_hash_depends_on_all (void)
{
  /* Keys of each length around the eight bytes that are taken at a time, each bit of the last byte changed. */
  char key[24];

  for (gsize length = 1; length < sizeof key; length++)
    {
      guint32 hash;

      memset (key, 'x', sizeof key);
      hash = kv_key_hash (key, length);
      g_assert_cmpuint (hash, ==, kv_key_hash (key, length));
      g_assert_cmpuint (hash, !=, kv_key_hash (key, length - 1));
      for (guint bit = 0; bit < 8; bit++)
        {
          key[length - 1] ^= 1 << bit;
          g_assert_cmpuint (hash, !=, kv_key_hash (key, length));
          key[length - 1] ^= 1 << bit;
        }
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/key/accepts-utf8-without-controls", test_accepts);
  g_test_add_func ("/core/key/refuses-empty-long-and-controls", test_refuses);
  g_test_add_func ("/core/key/refuses-bad-utf8", test_refuses_bad_utf8);
  g_test_add_func ("/core/key/looks-at-every-byte", test_looks_at_every_byte);
  g_test_add_func ("/core/key/reads-no-further", test_reads_no_further);
  g_test_add_func ("/core/key/value-may-hold-nul", test_value_may_hold_nul);
  g_test_add_func ("/core/key/hash-depends-on-every-bit", test_hash_depends_on_all);
  return g_test_run ();
}
