/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-decimal.h"

static void
check (guint64 number)
{
  char text[KV_DECIMAL_MAX + 2];
  g_autofree char *expected = g_strdup_printf ("%" G_GUINT64_FORMAT, number);
  char *end;

  memset (text, 'x', sizeof text);
  end = kv_decimal_format (text, number);
  g_assert_cmpmem (text, end - text, expected, strlen (expected));
  g_assert_cmpint (*end, ==, 'x');
}

static void
test_formats_every_length (void)
{
  guint64 power = 1;

  check (0);
  for (guint digits = 1; digits <= KV_DECIMAL_MAX; digits++)
    {
      check (power - 1);
      check (power);
      check (power + 1);
      check (power / 7 * 3);
      power *= digits < KV_DECIMAL_MAX ? 10 : 1;
    }
  check (G_MAXUINT64);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/decimal/formats-every-length", test_formats_every_length);
  return g_test_run ();
}
