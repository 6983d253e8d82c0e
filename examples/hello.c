/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* A store in the process: put, swap, read. Build it with
 * cc hello.c $(pkg-config --cflags --libs kvstore-1) */

#include <kvstore.h>

int
main (void)
{
  g_autoptr (KvStore) store = kv_store_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *value = NULL;

  kv_store_put (store, "greeting", "hello", -1, NULL);
  if (kv_store_compare_and_swap (store, "greeting", "hello", "hello, world", &error) == 0)
    g_error ("%s", error->message);
  value = kv_store_get (store, "greeting", NULL);
  g_print ("%s\n", value);
  return 0;
}
