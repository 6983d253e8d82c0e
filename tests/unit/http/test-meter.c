/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-meter.h"

typedef struct {
  KvHttpMeter *meter;
  KvHttpPoller *poller;
  KvHttpExchange exchange;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->meter = kv_http_meter_new ();
  fixture->poller = kv_http_poller_new (NULL);
  kv_http_meter_attach (fixture->meter, fixture->poller);
  fixture->exchange.method = KV_HTTP_PUT;
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  kv_http_poller_free (fixture->poller);
  kv_http_meter_free (fixture->meter);
}

static const KvHttpRoute *
find (const char *path, KvHttpMethod method)
{
  gboolean known;

  return kv_http_router_find ((KvHttpSpan){ path, strlen (path) }, method, &known);
}

static guint64
count_durations (const Fixture *fixture, guint route)
{
  guint64 count = 0;

  for (guint i = 0; i < KV_HISTOGRAM_BUCKETS; i++)
    count += fixture->meter->latencies[route].counts[i];
  return count;
}

static guint64
count_requests (const Fixture *fixture, guint route, guint status)
{
  for (guint slot = 1; slot < KV_HTTP_METER_STATUSES; slot++)
    if (kv_http_meter_get_status (slot) == status)
      return fixture->meter->requests[route][KV_HTTP_PUT][slot];
  return fixture->meter->requests[route][KV_HTTP_PUT][0];
}

static void
test_counts_at_once (Fixture *fixture, gconstpointer data)
{
  const KvHttpRoute *route = find ("/store/k", KV_HTTP_PUT);

  kv_http_meter_count (fixture->meter, &fixture->exchange, 404);
  fixture->exchange.route = route;
  kv_http_meter_count (fixture->meter, &fixture->exchange, 201);
  kv_http_meter_count (fixture->meter, &fixture->exchange, 201);
  g_assert_cmpuint (count_requests (fixture, 0, 404), ==, 1);
  g_assert_cmpuint (count_requests (fixture, route->number, 201), ==, 2);
}

static void
test_odd_statuses_share_a_slot (Fixture *fixture, gconstpointer data)
{
  kv_http_meter_count (fixture->meter, &fixture->exchange, 299);
  kv_http_meter_count (fixture->meter, &fixture->exchange, 511);
  kv_http_meter_count (fixture->meter, &fixture->exchange, 100000);
  g_assert_cmpuint (count_requests (fixture, 0, 299), ==, 3);
}

static void
test_answers_take_what_the_turn_takes (Fixture *fixture, gconstpointer data)
{
  kv_http_meter_count (fixture->meter, &fixture->exchange, 200);
  kv_http_meter_count (fixture->meter, &fixture->exchange, 200);
  g_assert_cmpuint (count_durations (fixture, 0), ==, 0);
  kv_http_meter_settle (fixture->meter, 300);
  g_assert_cmpuint (count_durations (fixture, 0), ==, 2);
  g_assert_cmpuint (fixture->meter->latencies[0].sum, ==, 600);
  kv_http_meter_settle (fixture->meter, 300);
  g_assert_cmpuint (count_durations (fixture, 0), ==, 2);
}

static void
test_turn_of_the_poller_settles (Fixture *fixture, gconstpointer data)
{
  kv_http_poller_iterate (fixture->poller, FALSE);
  kv_http_meter_count (fixture->meter, &fixture->exchange, 200);
  kv_http_poller_iterate (fixture->poller, FALSE);
  g_assert_cmpuint (count_durations (fixture, 0), ==, 1);
  /* Not the time since the machine was started. */
  g_assert_cmpuint (fixture->meter->latencies[0].sum, <, 60 * G_USEC_PER_SEC);
}

static void
test_many_in_a_turn (Fixture *fixture, gconstpointer data)
{
  const guint many = 5 * KV_HTTP_METER_NOTES + 3;

  kv_http_poller_iterate (fixture->poller, FALSE);
  for (guint i = 0; i < many; i++)
    kv_http_meter_count (fixture->meter, &fixture->exchange, 200);
  g_assert_cmpuint (count_durations (fixture, 0), >=, many - KV_HTTP_METER_NOTES);
  kv_http_meter_settle (fixture->meter, 1);
  g_assert_cmpuint (count_durations (fixture, 0), ==, many);
}

static void
test_later_answers_have_their_own_time (Fixture *fixture, gconstpointer data)
{
  fixture->exchange.begun = g_get_monotonic_time () - 3 * G_USEC_PER_SEC;
  kv_http_meter_count (fixture->meter, &fixture->exchange, 200);
  g_assert_cmpuint (count_durations (fixture, 0), ==, 1);
  g_assert_cmpuint (fixture->meter->latencies[0].sum, >=, 3 * G_USEC_PER_SEC);
}

static void
test_goes_without (void)
{
  KvHttpExchange exchange = { 0 };

  kv_http_meter_count (NULL, &exchange, 200);
}

/* By the numbers of routes figures are found, and the names of their labels. */
static void
test_numbers_name_routes (void)
{
  static const char *const paths[] = { "/store/k", "/store/cas/k", "/status", "/v1/restore", "*" };
  guint n = 0;

  g_assert_null (kv_http_router_get_route (0));
  for (guint number = 1; number < KV_HTTP_N_ROUTES; number++)
    {
      const KvHttpRoute *route = kv_http_router_get_route (number);

      if (route == NULL)
        continue;
      g_assert_cmpuint (route->number, ==, number);
      g_assert_cmpuint (++n, ==, number);
    }
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    for (guint method = 0; method < KV_HTTP_N_METHODS; method++)
      {
        const KvHttpRoute *route = find (paths[i], (KvHttpMethod) method);

        g_assert_true (route == NULL || kv_http_router_get_route (route->number) == route);
      }
}

static void
test_names_of_methods (void)
{
  for (guint method = 0; method < KV_HTTP_OTHER; method++)
    {
      const char *name = kv_http_method_get_name ((KvHttpMethod) method);

      g_assert_cmpuint (kv_http_method_parse (name, strlen (name)), ==, method);
    }
  g_assert_cmpstr (kv_http_method_get_name (KV_HTTP_OTHER), ==, "other");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name, func) g_test_add (name, Fixture, NULL, set_up, func, tear_down)
  TEST ("/http/meter/counts-at-once", test_counts_at_once);
  TEST ("/http/meter/odd-statuses-share-a-slot", test_odd_statuses_share_a_slot);
  TEST ("/http/meter/answers-take-what-the-turn-takes", test_answers_take_what_the_turn_takes);
  TEST ("/http/meter/turn-of-the-poller-settles", test_turn_of_the_poller_settles);
  TEST ("/http/meter/many-in-a-turn", test_many_in_a_turn);
  TEST ("/http/meter/later-answers-have-their-own-time", test_later_answers_have_their_own_time);
  g_test_add_func ("/http/meter/goes-without", test_goes_without);
  g_test_add_func ("/http/meter/numbers-name-routes", test_numbers_name_routes);
  g_test_add_func ("/http/meter/names-of-methods", test_names_of_methods);
  return g_test_run ();
}
