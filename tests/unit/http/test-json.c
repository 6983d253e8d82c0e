/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-error.h"
#include "core/kv-json-text.h"
#include "http/kv-http-json.h"

#include <string.h>

static json_t *
parse (const char *text, GError **error)
{
  return kv_http_json_parse ((KvHttpSpan){ text, strlen (text) }, error);
}

static void
assert_valid (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (json_t) value = parse (text, &error);

  g_assert_no_error (error);
  g_assert_nonnull (value);
}

static void
assert_refused (const char *text, gsize length, KvError code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (json_t) value = kv_http_json_parse ((KvHttpSpan){ text, length }, &error);

  g_assert_error (error, KV_ERROR, (int) code);
  g_assert_null (value);
}

static void
assert_bad (const char *text)
{
  assert_refused (text, strlen (text), KV_ERROR_INVALID_ARGUMENT);
}

/* The middle, repeated, between a beginning and an end. */
static char *
repeat (const char *head, const char *middle, guint n, const char *tail)
{
  GString *text = g_string_new (head);

  for (guint i = 0; i < n; i++)
    g_string_append (text, middle);
  return g_string_free (g_string_append (text, tail), FALSE);
}

static void
test_takes_any_kind (void)
{
  static const char *const texts[] = { "[]",
                                       "{}",
                                       "\"text\"",
                                       "5",
                                       "-1.5e3",
                                       "true",
                                       "null",
                                       " [ 1 , 2 ] ",
                                       "\"\\ud83d\\ude00\"",
                                       "{\"a\":{\"b\":[]}}" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_valid (texts[i]);
}

static void
test_refuses_bad_syntax (void)
{
  static const char *const texts[] = { "",
                                       " ",
                                       "[",
                                       "]",
                                       "{",
                                       "}",
                                       "[1,]",
                                       "[1 2]",
                                       "{\"a\"}",
                                       "{\"a\":}",
                                       "{a:1}",
                                       "{'a':1}",
                                       "['a']",
                                       "[1]x",
                                       "[] []",
                                       "nul",
                                       "True",
                                       "01",
                                       "+1",
                                       ".5",
                                       "1.",
                                       "0x1",
                                       "NaN",
                                       "\"a",
                                       "\"\\x\"",
                                       "\"\\u12\"",
                                       "\"a\nb\"",
                                       "// c\n1",
                                       "/* c */1",
                                       "var x = 1",
                                       "[1}",
                                       "\"\\",
                                       "\xef\xbb\xbf[]",
                                       "[]]",
                                       "\"\\ud800\"",
                                       "\"\xff\"",
                                       "\"\xc0\xaf\"",
                                       "\"\xed\xa0\x80\"" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_bad (texts[i]);
  assert_refused (NULL, 0, KV_ERROR_INVALID_ARGUMENT);
  assert_refused ("[]\0", 3, KV_ERROR_INVALID_ARGUMENT);
}

static void
test_bounds_depth (void)
{
  g_autofree char *opened = repeat ("", "[", 100000, "");
  g_autofree char *objects = repeat ("", "{\"a\":", 100000, "");
  g_autofree char *inner = repeat ("", "[", KV_JSON_TEXT_MAX_DEPTH, "");
  g_autofree char *deepest = repeat (inner, "]", KV_JSON_TEXT_MAX_DEPTH, "");
  g_autofree char *deeper = g_strdup_printf ("[%s]", deepest);
  g_autofree char *wide = repeat ("[[]", ",[]", 1000, "]");
  g_autofree char *quoted = repeat ("\"\\\"", "[", 1000, "\"");

  assert_bad (opened);
  assert_bad (objects);
  assert_valid (deepest);
  assert_bad (deeper);
  assert_valid (wide);
  assert_valid (quoted);
}

static char *
make_object (guint n_members)
{
  GString *text = g_string_new ("{");

  for (guint i = 0; i < n_members; i++)
    g_string_append_printf (text, "%s\"m%u\":{}", i > 0 ? "," : "", i);
  return g_string_free (g_string_append_c (text, '}'), FALSE);
}

static void
test_bounds_members (void)
{
  g_autofree char *most = make_object (KV_JSON_TEXT_MAX_MEMBERS);
  g_autofree char *more = make_object (KV_JSON_TEXT_MAX_MEMBERS + 1);
  g_autofree char *twice = g_strdup_printf ("[%s,%s]", most, most);

  assert_valid (most);
  assert_bad (more);
  assert_valid (twice);
}

static void
test_bounds_values (void)
{
  g_autofree char *flat = repeat ("[0", ",0", KV_JSON_TEXT_MAX_VALUES, "]");
  g_autofree char *most = repeat ("[0", ",0", KV_JSON_TEXT_MAX_VALUES - 2, "]");

  assert_valid (most);
  assert_refused (flat, strlen (flat), KV_ERROR_TOO_LARGE);
}

static void
test_tells_wrong_sense_from_bad_syntax (void)
{
  static const char *const texts[] = { "{\"a\":1,\"a\":2}", "[99999999999999999999]",
                                       "[-99999999999999999999]", "[1e999]", "{\"\\u0000\":1}" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i], strlen (texts[i]), KV_ERROR_UNPROCESSABLE);
}

static void
test_gets_strings (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (json_t) object = parse ("{\"a\":\"x\\u0000y\",\"b\":\"\",\"c\":3,\"d\":null}", &error);
  KvHttpSpan text;

  g_assert_no_error (error);
  g_assert_true (kv_http_json_get_string (object, "a", &text, &error));
  g_assert_cmpmem (text.data, text.length, "x\0y", 3);
  g_assert_true (kv_http_json_get_string (object, "b", &text, &error));
  g_assert_cmpuint (text.length, ==, 0);
  g_assert_nonnull (text.data);

  g_assert_false (kv_http_json_get_string (object, "c", &text, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_UNPROCESSABLE);
  g_clear_error (&error);
  g_assert_false (kv_http_json_get_string (object, "d", &text, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_UNPROCESSABLE);
  g_clear_error (&error);
  g_assert_false (kv_http_json_get_string (object, "e", &text, &error));
  g_assert_error (error, KV_ERROR, KV_ERROR_UNPROCESSABLE);
}

static void
assert_written (const char *text, gsize length, const char *expected)
{
  GString *out = g_string_new (NULL);

  kv_json_text_append_string (out, text, length);
  g_assert_cmpstr (out->str, ==, expected);
  g_string_free (out, TRUE);
}

static void
test_writes_strings (void)
{
  assert_written ("", 0, "\"\"");
  assert_written ("plain", 5, "\"plain\"");
  assert_written ("\"\\/", 3, "\"\\\"\\\\/\"");
  assert_written ("a\nb\rc\td", 7, "\"a\\nb\\rc\\td\"");
  assert_written ("\0\x01\x1f", 3, "\"\\u0000\\u0001\\u001f\"");
  assert_written ("\x7f caf\xc3\xa9 \xf0\x9f\x98\x80", 12, "\"\x7f caf\xc3\xa9 \xf0\x9f\x98\x80\"");
}

static void
test_reads_what_it_writes (void)
{
  for (gunichar c = 0; c < 0x3000; c++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (json_t) value = NULL;
      GString *out = g_string_new (NULL);
      char text[8] = "";
      gsize length = (gsize) g_unichar_to_utf8 (c, text);

      kv_json_text_append_string (out, text, length);
      value = parse (out->str, &error);
      g_assert_no_error (error);
      g_assert_cmpmem (json_string_value (value), json_string_length (value), text, length);
      g_string_free (out, TRUE);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func) g_test_add_func ("/http/json/" path, func)
  TEST ("takes-any-kind", test_takes_any_kind);
  TEST ("refuses-bad-syntax", test_refuses_bad_syntax);
  TEST ("bounds-depth", test_bounds_depth);
  TEST ("bounds-members", test_bounds_members);
  TEST ("bounds-values", test_bounds_values);
  TEST ("tells-wrong-sense-from-bad-syntax", test_tells_wrong_sense_from_bad_syntax);
  TEST ("gets-strings", test_gets_strings);
  TEST ("writes-strings", test_writes_strings);
  TEST ("reads-what-it-writes", test_reads_what_it_writes);
  return g_test_run ();
}
