/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* A dump on its way to a client that takes its time. */

#include "fake-carrier.h"
#include "http/stream/kv-http-dump.h"

#include <string.h>
#include <sys/socket.h>

typedef struct {
  FakeDoor door; /* first, so that the fixture is the door */
  FakeAnswer answer;
} Fixture;

#define KEYS 2000
#define VALUE 900

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *value = g_strnfill (VALUE, 'v');

  fake_door_set_up (&fixture->door, NULL);
  fixture->door.limits.body_timeout = 300 * G_TIME_SPAN_MILLISECOND;
  fixture->door.context.poller = kv_http_poller_new (NULL);
  fixture->door.context.dumps =
    kv_http_dump_group_new (fixture->door.context.poller, &fixture->door.limits);
  for (guint i = 0; i < KEYS; i++)
    {
      g_autofree char *key = g_strdup_printf ("key%u", i);

      kv_store_put (fixture->door.store, key, value, -1, NULL);
    }
  fake_door_ask (&fixture->door, "GET", "/v1/dump", NULL, NULL, &fixture->answer);
  g_assert_cmpuint (fixture->answer.status, ==, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  if (fixture->door.context.dumps != NULL)
    kv_http_dump_group_free (fixture->door.context.dumps);
  kv_http_poller_free (fixture->door.context.poller);
  fake_answer_clear (&fixture->answer);
  fake_door_tear_down (&fixture->door, NULL);
}

/* Returns: as recv(2): 0 at the end */
static gssize
receive (Fixture *fixture, GString *got, gsize most)
{
  g_autofree char *buffer = g_malloc (most);
  gssize n = recv (fixture->answer.fd, buffer, most, MSG_DONTWAIT);

  if (n > 0)
    g_string_append_len (got, buffer, n);
  return n;
}

static gboolean
is_whole (const GString *got)
{
  return g_str_has_prefix (got->str, "HTTP/1.1 200 OK\r\n") && strlen (got->str) == got->len
         && g_str_has_suffix (got->str, "{\"end\":true,\"entries\":2000}\n\r\n0\r\n\r\n");
}

static void
turn (Fixture *fixture)
{
  kv_http_poller_iterate (fixture->door.context.poller, TRUE);
}

/* Longer than a client may take nothing, but it takes something all the time. */
static void
test_slow_client_gets_all (Fixture *fixture, gconstpointer unused)
{
  GString *got = g_string_new (NULL);
  gint64 next = g_get_monotonic_time ();
  gssize n = -1;

  while (n != 0)
    {
      kv_http_poller_iterate (fixture->door.context.poller, FALSE);
      if (g_get_monotonic_time () < next)
        continue;
      n = receive (fixture, got, 150 * 1000);
      next += 100 * G_TIME_SPAN_MILLISECOND;
    }
  g_assert_true (is_whole (got));
  g_string_free (got, TRUE);
}

static void
test_client_that_takes_nothing_is_cut_off (Fixture *fixture, gconstpointer unused)
{
  GString *got = g_string_new (NULL);
  gint64 start = g_get_monotonic_time ();
  char byte;

  while (recv (fixture->answer.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
    turn (fixture);
  /* There is nothing to be woken by when it is over. */
  while (kv_http_poller_get_timeout (fixture->door.context.poller) >= 0)
    turn (fixture);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 250 * G_TIME_SPAN_MILLISECOND);
  while (receive (fixture, got, 100000) > 0)
    ;
  g_assert_cmpint (receive (fixture, got, 100000), ==, 0);
  g_assert_cmpuint (got->len, >, 1000);
  g_assert_false (is_whole (got));
  g_string_free (got, TRUE);
}

/* As by `nc -N`: it has said what it wanted, and listens. */
static void
test_client_may_close_its_half (Fixture *fixture, gconstpointer unused)
{
  GString *got = g_string_new (NULL);

  shutdown (fixture->answer.fd, SHUT_WR);
  for (gssize n = -1; n != 0; n = receive (fixture, got, 100000))
    if (n < 0)
      turn (fixture);
  g_assert_true (is_whole (got));
  g_string_free (got, TRUE);
}

static void
test_end_of_the_worker_cuts_it_off (Fixture *fixture, gconstpointer unused)
{
  GString *got = g_string_new (NULL);

  while (receive (fixture, got, 1000) < 0)
    turn (fixture);
  g_clear_pointer (&fixture->door.context.dumps, kv_http_dump_group_free);
  while (receive (fixture, got, 100000) > 0)
    ;
  g_assert_cmpint (receive (fixture, got, 100000), ==, 0);
  g_assert_false (is_whole (got));
  g_string_free (got, TRUE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func) g_test_add ("/http/dump/" path, Fixture, NULL, set_up, func, tear_down)
  TEST ("slow-client-gets-all", test_slow_client_gets_all);
  TEST ("client-that-takes-nothing-is-cut-off", test_client_that_takes_nothing_is_cut_off);
  TEST ("client-may-close-its-half", test_client_may_close_its_half);
  TEST ("end-of-the-worker-cuts-it-off", test_end_of_the_worker_cuts_it_off);
  return g_test_run ();
}
