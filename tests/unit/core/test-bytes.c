/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-bytes.h"

#include <string.h>

/* A word whose bytes are @filler, but for one. */
static guint64
make_word (guint place, guchar byte, guchar filler)
{
  guchar bytes[sizeof (guint64)];
  guint64 word;

  memset (bytes, filler, sizeof bytes);
  bytes[place] = byte;
  memcpy (&word, bytes, sizeof word);
  return word;
}

/* Beside what no byte may be taken for it, nor hide it by a borrow. */
static const guchar fillers[] = { ' ', '~', 'a', 0x80, 0xff };

static void
test_finds_every_control_character (void)
{
  for (guint byte = 0; byte < 256; byte++)
    for (guint place = 0; place < sizeof (guint64); place++)
      for (guint i = 0; i < G_N_ELEMENTS (fillers); i++)
        if (byte < 0x20 || byte == 0x7f)
          g_assert_true (kv_bytes_may_hold_control (make_word (place, (guchar) byte, fillers[i])));
}

/* It may be wrong when it says yes, but if it were so of ordinary text nothing would be gained. */
static void
test_passes_ordinary_text (void)
{
  for (guint byte = 0x20; byte < 0x7f; byte++)
    for (guint place = 0; place < sizeof (guint64); place++)
      g_assert_false (kv_bytes_may_hold_control (make_word (place, (guchar) byte, 'a')));
}

static void
test_tells_ascii (void)
{
  for (guint byte = 0; byte < 256; byte++)
    for (guint place = 0; place < sizeof (guint64); place++)
      g_assert_cmpint (kv_bytes_are_ascii (make_word (place, (guchar) byte, 'a')), ==, byte < 0x80);
}

static void
test_tells_plain (void)
{
  for (guint byte = 0; byte < 256; byte++)
    for (guint place = 0; place < sizeof (guint64); place++)
      g_assert_cmpint (kv_bytes_are_plain (make_word (place, (guchar) byte, 'a')), ==,
                       byte >= 0x20 && byte < 0x7f);
}

static void
test_loads_tails (void)
{
  for (gsize length = 0; length < sizeof (guint64); length++)
    {
      char bytes[] = "\x81\x72\x63\x54\x45\x36\x27";
      guint64 expected = 0;

      for (gsize i = 0; i < length; i++)
        expected |= (guint64) (guchar) bytes[i] << (8 * i);
      g_assert_cmphex (kv_bytes_load_tail (bytes, length), ==, expected);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/bytes/finds-every-control-character", test_finds_every_control_character);
  g_test_add_func ("/core/bytes/passes-ordinary-text", test_passes_ordinary_text);
  g_test_add_func ("/core/bytes/tells-ascii", test_tells_ascii);
  g_test_add_func ("/core/bytes/tells-plain", test_tells_plain);
  g_test_add_func ("/core/bytes/loads-tails", test_loads_tails);
  return g_test_run ();
}
