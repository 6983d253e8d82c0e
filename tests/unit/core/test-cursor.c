/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-cursor.h"

#include <string.h>

static const KvCursorScope scope = { "users/", 6, "/", 1 };

static KvCursor
make_cursor (const char *text, gsize length, gboolean past_folder)
{
  KvCursor cursor = { .length = length, .past_folder = past_folder };

  memcpy (cursor.text, text, length);
  return cursor;
}

static void
assert_refused (const char *text, const KvCursorScope *of)
{
  g_autoptr (GError) error = NULL;
  KvCursor cursor;

  g_assert_false (kv_cursor_decode (text, of, &cursor, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
}

static void
test_round_trip (void)
{
  char key[KV_KEY_MAX_BYTES];

  for (gsize i = 0; i < sizeof key; i++)
    key[i] = (char) (' ' + i * 7 % 222);
  for (gsize length = 1; length <= sizeof key; length++)
    {
      KvCursor cursor = make_cursor (key, length, length % 2 == 0), back;
      g_autofree char *text = kv_cursor_encode (&cursor, &scope);

      g_assert_true (kv_cursor_decode (text, &scope, &back, NULL));
      g_assert_cmpmem (back.text, back.length, key, length);
      g_assert_cmpint (back.past_folder, ==, length % 2 == 0);
      for (const char *c = text; *c != '\0'; c++)
        g_assert_true (g_ascii_isalnum (*c) || *c == '-' || *c == '_');
    }
}

/* Each character in turn becomes each other one that base64url has, and some that it has not. */
static void
test_changed (void)
{
  const char *characters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=% \n\xc3";

  for (gsize length = 1; length <= 6; length++)
    {
      KvCursor cursor = make_cursor ("users/1", length, FALSE);
      g_autofree char *text = kv_cursor_encode (&cursor, &scope);

      for (char *at = text; *at != '\0'; at++)
        {
          char was = *at;

          for (const char *c = characters; *c != '\0'; c++)
            if (*c != was)
              {
                *at = *c;
                assert_refused (text, &scope);
              }
          *at = was;
        }
    }
}

static void
test_shortened_and_lengthened (void)
{
  KvCursor cursor = make_cursor ("users/ann", 9, TRUE);
  g_autofree char *text = kv_cursor_encode (&cursor, &scope);
  g_autofree char *endless = g_strnfill (100000, 'A');

  for (gsize length = 0; length < strlen (text); length++)
    {
      g_autofree char *start = g_strndup (text, length);

      assert_refused (start, &scope);
      assert_refused (text + strlen (text) - length, &scope);
    }
  for (const char *more = "A=_ \n"; *more != '\0'; more++)
    {
      g_autofree char *behind = g_strdup_printf ("%s%c", text, *more);
      g_autofree char *before = g_strdup_printf ("%c%s", *more, text);

      assert_refused (behind, &scope);
      assert_refused (before, &scope);
    }
  assert_refused (endless, &scope);
}

static void
test_other_scopes (void)
{
  const KvCursorScope others[] = {
    { "users/", 6, "", 0 },  { "users/", 6, "//", 2 }, { "users", 5, "/", 1 },
    { "users//", 7, "", 0 }, { "", 0, "/", 1 },        { "users", 5, "//", 2 },
  };
  KvCursor cursor = make_cursor ("users/ann", 9, TRUE);
  g_autofree char *text = kv_cursor_encode (&cursor, &scope);

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    assert_refused (text, &others[i]);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/cursor/comes-back", test_round_trip);
  g_test_add_func ("/core/cursor/refused-when-changed", test_changed);
  g_test_add_func ("/core/cursor/refused-when-cut-or-added-to", test_shortened_and_lengthened);
  g_test_add_func ("/core/cursor/refused-by-another-listing", test_other_scopes);
  return g_test_run ();
}
