/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "sample.h"
#include "variant.h"

#include <string.h>

/* What GDBus writes, in GVariant's own notation. */
static const char *const bodies[] = {
  "(byte 255,)",
  "(true, false)",
  "(int16 -2, uint16 65535, -3, uint32 4294967295)",
  "(int64 -9223372036854775808, uint64 18446744073709551615)",
  "(1.5, -0.0)",
  "('', 'väl', 'a\\nb')",
  "(objectpath '/', objectpath '/a/b_1')",
  "(signature '', signature 'a{sv}(ii)')",
  "(handle 3,)",
  "(@ay [], b'bytes', [byte 0, 255])",
  "(@as [], ['a', 'bc'], @at [], [uint64 1, 2])",
  "(byte 1, @at [], byte 2, @a(tt) [], byte 3, @aas [[], ['x'], []])",
  "((byte 1, ('a', uint64 2)), byte 3, (int16 4,))",
  "(<'text'>, <<uint64 7>>, <@as []>, <(byte 1, uint64 2)>)",
  "({'a': <1>, 'b': <'two'>, 'c': <[<byte 3>]>},)",
  "({uint16 1: 'x', 2: 'y'}, @a{sv} {})",
  "('key', 'value', {'ttl': <uint64 5>, 'keepttl': <false>})",
  "([('PUT', 'k', 'v', {'ttl': <5>}), ('GET', 'k', '', {})],)",
  "([true, false, true], [1.0], [objectpath '/x'], [signature 's'], [handle 1])",
};

static const GDBusMessageByteOrder orders[] = {
  G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN,
  G_DBUS_MESSAGE_BYTE_ORDER_BIG_ENDIAN,
};

static void
test_reads_what_gdbus_writes (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bodies) * G_N_ELEMENTS (orders); i++)
    {
      g_autoptr (GVariant) written = g_variant_ref_sink (g_variant_new_parsed (bodies[i / 2]));
      g_autoptr (GVariant) read = NULL;
      g_auto (Sample) sample = { 0 };
      g_autofree char *text = NULL;
      g_autofree char *expected = NULL;

      sample_init (&sample, written, orders[i % 2]);
      read = g_variant_ref_sink (variant_take (&sample.body, sample.head.signature));
      text = g_variant_print (read, TRUE);
      expected = g_variant_print (written, TRUE);
      g_assert_cmpstr (text, ==, expected);
      g_assert_false (kv_dbus_reader_has_more (&sample.body));
    }
}

/* In memory of just that size, so that a look beyond it is seen. */
static gboolean
check (const guint8 *bytes, gsize length, gboolean swapped, const char *signature)
{
  g_autofree guint8 *copy = g_malloc (MAX (length, 1));
  KvDbusReader reader;

  memcpy (copy, bytes, length);
  kv_dbus_reader_init (&reader, copy, length, swapped);

  return kv_dbus_reader_check (&reader, signature);
}

static void
test_refuses_what_is_cut_off (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bodies) * G_N_ELEMENTS (orders); i++)
    {
      g_auto (Sample) sample = { 0 };
      const KvDbusHead *head = &sample.head;

      sample_init (&sample, g_variant_new_parsed (bodies[i / 2]), orders[i % 2]);
      for (gsize length = 0; length < head->body_length; length++)
        g_assert_false (check (head->body, length, head->swapped, head->signature));
      g_assert_true (check (head->body, head->body_length, head->swapped, head->signature));
    }
}

/* Where the type of an empty array ends cannot be told from its elements. */
static void
test_passes_empty_arrays (void)
{
  static const char *const bodies_of_these[] = {
    "(@aa(yys) [[], [], [(1, 2, 'x')], [], []], 'behind')",
    "(@a(a(ss)a{sas}s) [([], {}, 'a'), ([('b', 'c')], {'d': []}, 'e'), ([], {}, 'f')], 'behind')",
    "(@a{sv} {'a': <@aas []>, 'b': <@aa(ss) [[], []]>, 'c': <(@as [], 's')>}, 'behind')",
    "(@aaaas [[[], [[], []]], []], 'behind')",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bodies_of_these) * G_N_ELEMENTS (orders); i++)
    {
      g_auto (Sample) sample = { 0 };
      KvDbusReader reader;

      sample_init (&sample, g_variant_new_parsed (bodies_of_these[i / 2]), orders[i % 2]);
      reader = sample.body;
      g_assert_true (kv_dbus_reader_skip (
        &reader, strndupa (sample.head.signature, strlen (sample.head.signature) - 1)));
      g_assert_cmpstr (kv_dbus_reader_take_string (&reader, NULL), ==, "behind");
      g_assert_false (kv_dbus_reader_has_more (&reader));
    }
}

static void
test_refuses_what_is_behind (void)
{
  g_assert_true (check ((const guint8 *) "\1", 1, FALSE, "y"));
  g_assert_false (check ((const guint8 *) "\1\0", 2, FALSE, "y"));
  g_assert_true (check ((const guint8 *) "", 0, FALSE, ""));
  g_assert_false (check ((const guint8 *) "\0", 1, FALSE, ""));
}

/* Bytes in the order of little numbers first. */
static void
test_refuses_what_is_malformed (void)
{
  static const struct {
    const char *signature;
    const char *bytes;
    gsize length;
  } cases[] = {
#define CASE(signature, bytes) { signature, bytes, sizeof bytes - 1 }
    CASE ("b", "\2\0\0\0"),
    CASE ("b", "\0\0\0\1"),
    /* Padding. */
    CASE ("yu", "\1\1\0\0\1\0\0\0"),
    CASE ("yu", "\1\0\0\1\1\0\0\0"),
    CASE ("at", "\0\0\0\0\0\0\1\0"),
    CASE ("y(y)", "\1\0\0\0\0\0\1\0\1"),
    /* Text. */
    CASE ("s", "\3\0\0\0abcd"),
    CASE ("s", "\3\0\0\0a\0c\0"),
    CASE ("s", "\2\0\0\0\xc0\x80\0"),
    CASE ("s", "\3\0\0\0\xed\xa0\x80\0"),
    CASE ("s", "\1\0\0\0\xff\0"),
    CASE ("s", "\xff\xff\xff\xff"
               "a\0"),
    CASE ("s", "\xfe\xff\xff\xff"
               "a\0"),
    CASE ("as", "\6\0\0\0\1\0\0\0\xff\0"),
    CASE ("o", "\0\0\0\0\0"),
    CASE ("o", "\1\0\0\0a\0"),
    CASE ("o", "\2\0\0\0/-\0"),
    CASE ("o", "\3\0\0\0/a/\0"),
    CASE ("g", "\1(\0"),
    CASE ("g", "\2s\0\0"),
    CASE ("g", "\1s"),
    CASE ("g", "\4{sv}\0"),
    CASE ("g", "\2()\0"),
    /* Arrays. */
    CASE ("ay", "\2\0\0\0a"),
    CASE ("ay", "\xff\xff\xff\xff"
                "a"),
    CASE ("ay", "\1\0\0\4"
                "a"),
    CASE ("aq", "\3\0\0\0\1\0\2"),
    CASE ("as", "\5\0\0\0\1\0\0\0a"),
    CASE ("as", "\7\0\0\0\1\0\0\0a\0\0"),
    CASE ("ab", "\3\0\0\0\1\0\0"),
    CASE ("a(y)", "\2\0\0\0\0\0\0\0\1\1"),
    /* Variants. */
    CASE ("v", "\0\0"),
    CASE ("v", "\2ss\0\0\0\0\0\0\0\0\0\0\0"),
    CASE ("v", "\1s"),
    CASE ("v", "\1z\0\0\0\0\0"),
    CASE ("v", "\1m\0\0\0\0\0"),
    CASE ("v", "\1r\0\0\0\0\0"),
#undef CASE
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s %" G_GSIZE_FORMAT, cases[i].signature, i);
      g_assert_false (check ((const guint8 *) cases[i].bytes, cases[i].length,
                             G_BYTE_ORDER == G_BIG_ENDIAN, cases[i].signature));
    }
}

/* So many variants around a byte. */
static gboolean
check_variants (guint depth)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  for (guint i = 1; i < depth; i++)
    g_byte_array_append (bytes, (const guint8 *) "\1v", 3);
  g_byte_array_append (bytes, (const guint8 *) "\1y\0\7", 4);

  return check (bytes->data, bytes->len, FALSE, "v");
}

static void
test_bounds_the_depth (void)
{
  g_assert_true (check_variants (64));
  g_assert_false (check_variants (65));
  g_assert_false (check_variants (100000));
}

static void
test_gives_nothing_once_it_has_failed (void)
{
  const guint8 bytes[] = { 9, 0, 0, 0, 'a', 0, 7, 7 };
  KvDbusReader reader, elements;
  gsize length;

  kv_dbus_reader_init (&reader, bytes, sizeof bytes, G_BYTE_ORDER == G_BIG_ENDIAN);
  g_assert_cmpstr (kv_dbus_reader_take_string (&reader, &length), ==, "");
  g_assert_cmpuint (length, ==, 0);
  g_assert_true (reader.failed);
  g_assert_false (kv_dbus_reader_has_more (&reader));
  g_assert_cmpuint (kv_dbus_reader_take_byte (&reader), ==, 0);
  g_assert_cmpuint (kv_dbus_reader_take_uint64 (&reader), ==, 0);
  g_assert_cmpstr (kv_dbus_reader_take_signature (&reader, NULL), ==, "");
  g_assert_cmpstr (kv_dbus_reader_enter_variant (&reader), ==, "");
  kv_dbus_reader_take_bytes (&reader, &length);
  g_assert_cmpuint (length, ==, 0);
  kv_dbus_reader_take_array (&reader, "s", &elements);
  g_assert_false (kv_dbus_reader_has_more (&elements));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add_func ("/dbus/reader/" name, function)
  ADD ("reads-what-gdbus-writes", test_reads_what_gdbus_writes);
  ADD ("refuses-what-is-cut-off", test_refuses_what_is_cut_off);
  ADD ("passes-empty-arrays", test_passes_empty_arrays);
  ADD ("refuses-what-is-behind", test_refuses_what_is_behind);
  ADD ("refuses-what-is-malformed", test_refuses_what_is_malformed);
  ADD ("bounds-the-depth", test_bounds_the_depth);
  ADD ("gives-nothing-once-it-has-failed", test_gives_nothing_once_it_has_failed);
#undef ADD

  return g_test_run ();
}
