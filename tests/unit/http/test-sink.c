/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Bodies that go to a sink as they come, through a connection with its gate and its lanes, over a socket pair. Each test
 * runs with the express lane and without. */

#include "core/kv-error.h"
#include "http/connection/kv-http-connection.h"
#include "http/express/kv-express-lane.h"
#include "http/kv-http-router.h"
#include "http/soup/kv-soup-lane.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD "POST /sink HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
#define NEXT "POST /next HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"

typedef struct {
  KvHttpPool pool; /* first, so that the pool is the fixture */
  KvHttpLimits limits;
  KvHttpContext context;
  GMainContext *main_context;
  KvRateLimiter *limiter;
  KvSoupLane *lane;

  int client;     /* the client's end; -1 once closed */
  GString *got;   /* what the client has received */
  gboolean ended; /* and that there will be no more */
  guint n_closed; /* connections that are gone */

  GString *taken;           /* of bodies, one after the other */
  KvHttpExchange *exchange; /* (nullable): the one whose sink is open */
  guint opened;
  guint closed;
  KvHttpSinkState state; /* what the sink says next */
} Fixture;

/* The one that runs: routes are the same for all. */
static Fixture *current;

static gpointer
open_sink (KvHttpExchange *exchange, GError **error)
{
  if (exchange->query.data != NULL)
    {
      g_set_error_literal (error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT, "There is a query");
      return NULL;
    }
  current->opened++;
  current->exchange = exchange;
  return current;
}

static KvHttpSinkState
take (gpointer sink, const char *data, gsize length, GError **error)
{
  g_assert_true (sink == current);
  g_string_append_len (current->taken, data, (gssize) length);
  if (current->state == KV_HTTP_SINK_FAILED)
    g_set_error_literal (error, KV_ERROR, KV_ERROR_UNAVAILABLE, "The sink is broken");
  return current->state;
}

static void
close_sink (gpointer sink)
{
  g_assert_true (sink == current);
  current->closed++;
  current->exchange = NULL;
}

static const KvHttpSink sink = { open_sink, take, close_sink };

static void
answer (KvHttpExchange *exchange)
{
  g_assert_cmpuint (exchange->body.length, ==, 0);
  exchange->response.body = exchange->sink != NULL ? "taken\n" : "next\n";
  kv_http_exchange_send (exchange, 200);
}

static const KvHttpRoute sink_route = {
  "/sink", KV_HTTP_POST, answer, KV_HTTP_BODY_STREAM, &sink, 5,
};
static const KvHttpRoute next_route = {
  "/next", KV_HTTP_POST, answer, KV_HTTP_BODY_NONE, NULL, 5,
};

/* The linker has the exchange ask here (--wrap). */
const KvHttpRoute *
__wrap_kv_http_router_find (KvHttpSpan path, KvHttpMethod method, gboolean *known);

const KvHttpRoute *
__wrap_kv_http_router_find (KvHttpSpan path, KvHttpMethod method, gboolean *known)
{
  *known = TRUE;
  return memcmp (path.data, "/next", 5) == 0 ? &next_route : &sink_route;
}

static void
on_closed (KvHttpPool *pool)
{
  ((Fixture *) pool)->n_closed++;
}

static void
set_up (Fixture *fixture, gconstpointer express)
{
  int pair[2];

  current = fixture;
  fixture->limits = kv_http_default_limits;
  fixture->context.poller = kv_http_poller_new (NULL);
  fixture->main_context = g_main_context_ref (kv_http_poller_get_context (fixture->context.poller));
  g_main_context_push_thread_default (fixture->main_context);
  fixture->limiter = kv_rate_limiter_new (0, 1);
  fixture->lane = kv_soup_lane_new ();
  fixture->context.limits = &fixture->limits;
  fixture->pool.context = &fixture->context;
  fixture->pool.limiter = fixture->limiter;
  fixture->pool.express = express != NULL ? kv_express_lane_get_functions () : NULL;
  fixture->pool.lane = kv_soup_lane_get_functions ();
  fixture->pool.lane_data = fixture->lane;
  fixture->pool.closed = on_closed;
  fixture->got = g_string_new (NULL);
  fixture->taken = g_string_new (NULL);

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), ==,
                   0);
  fixture->client = pair[0];
  kv_http_connection_open (&fixture->pool, pair[1], "uid:1");
}

static void
tear_down (Fixture *fixture, gconstpointer express)
{
  kv_soup_lane_free (fixture->lane);
  while (fixture->pool.connections.head != NULL)
    kv_http_connection_abort (fixture->pool.connections.head->data);
  g_assert_cmpuint (fixture->opened, ==, fixture->closed);
  kv_http_pool_clear (&fixture->pool);
  kv_http_poller_free (fixture->context.poller);
  kv_rate_limiter_free (fixture->limiter);
  g_main_context_pop_thread_default (fixture->main_context);
  g_main_context_unref (fixture->main_context);
  g_string_free (fixture->got, TRUE);
  g_string_free (fixture->taken, TRUE);
  if (fixture->client >= 0)
    close (fixture->client);
}

static void
say (Fixture *fixture, const char *text)
{
  g_assert_cmpint (send (fixture->client, text, strlen (text), MSG_NOSIGNAL), ==, strlen (text));
}

static void
turn (Fixture *fixture)
{
  kv_http_poller_iterate (fixture->context.poller, TRUE);
}

/* Until nothing is left to do at once. */
static void
settle (Fixture *fixture)
{
  while (kv_http_poller_iterate (fixture->context.poller, FALSE))
    ;
}

static void
receive (Fixture *fixture)
{
  char buffer[4096];
  gssize n;

  while ((n = recv (fixture->client, buffer, sizeof buffer, 0)) > 0)
    g_string_append_len (fixture->got, buffer, n);
  fixture->ended = n == 0;
}

static void
receive_text (Fixture *fixture, const char *text)
{
  for (receive (fixture); strstr (fixture->got->str, text) == NULL; receive (fixture))
    {
      g_assert_false (fixture->ended);
      turn (fixture);
    }
}

static void
receive_end (Fixture *fixture)
{
  for (receive (fixture); !fixture->ended; receive (fixture))
    turn (fixture);
}

static void
wait_for_taken (Fixture *fixture, const char *text)
{
  while (fixture->taken->len < strlen (text))
    turn (fixture);
  g_assert_cmpstr (fixture->taken->str, ==, text);
}

static void
hang_up (Fixture *fixture)
{
  close (fixture->client);
  fixture->client = -1;
}

static void
test_takes_what_comes (Fixture *fixture, gconstpointer express)
{
  say (fixture, HEAD "Content-Length: 10\r\n\r\nabc");
  wait_for_taken (fixture, "abc");
  say (fixture, "defg");
  wait_for_taken (fixture, "abcdefg");
  g_assert_cmpuint (fixture->closed, ==, 0);
  say (fixture, "hij" NEXT);
  receive_text (fixture, "next\n");
  g_assert_nonnull (strstr (fixture->got->str, "taken\n"));
  g_assert_cmpstr (fixture->taken->str, ==, "abcdefghij");
  g_assert_cmpuint (fixture->closed, ==, 1);
}

static void
test_takes_chunks (Fixture *fixture, gconstpointer express)
{
  say (fixture, HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nab");
  wait_for_taken (fixture, "ab");
  say (fixture, "c\r\n2;x=y\r\n");
  settle (fixture);
  g_assert_cmpstr (fixture->taken->str, ==, "abc");
  say (fixture, "de\r\n0\r\nTrailer: x\r\n\r\n" NEXT);
  receive_text (fixture, "next\n");
  g_assert_nonnull (strstr (fixture->got->str, "taken\n"));
  g_assert_cmpstr (fixture->taken->str, ==, "abcde");
}

static void
test_body_may_be_empty (Fixture *fixture, gconstpointer express)
{
  say (fixture,
       HEAD "Content-Length: 0\r\n\r\n" HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT);
  receive_text (fixture, "next\n");
  g_assert_cmpuint (fixture->closed, ==, 2);
  g_assert_cmpuint (fixture->taken->len, ==, 0);
}

/* More than all buffers hold: nothing of it stays behind. */
static void
test_long_body (Fixture *fixture, gconstpointer express)
{
  g_autofree char *piece = g_strnfill (10000, 'x');

  say (fixture, HEAD "Content-Length: 10000000\r\n\r\n");
  for (guint i = 0; i < 1000; i++)
    {
      say (fixture, piece);
      settle (fixture);
      g_assert_cmpuint (fixture->taken->len, ==, (i + 1) * 10000);
    }
  receive_text (fixture, "taken\n");
}

static void
test_continues (Fixture *fixture, gconstpointer express)
{
  say (fixture, HEAD "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  receive_text (fixture, "HTTP/1.1 100 Continue\r\n\r\n");
  say (fixture, "ab");
  receive_text (fixture, "taken\n");
}

static void
test_refuses_by_the_head (Fixture *fixture, gconstpointer express)
{
  say (fixture, "POST /sink?x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
                "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  receive_end (fixture);
  g_assert_true (g_str_has_prefix (fixture->got->str, "HTTP/1.1 400 "));
  g_assert_nonnull (strstr (fixture->got->str, "There is a query\n"));
  g_assert_cmpuint (fixture->opened, ==, 0);
}

static void
test_error_is_answered_at_once (Fixture *fixture, gconstpointer express)
{
  say (fixture, HEAD "Content-Length: 10\r\n\r\nabc");
  wait_for_taken (fixture, "abc");
  fixture->state = KV_HTTP_SINK_FAILED;
  say (fixture, "d");
  receive_end (fixture);
  g_assert_true (g_str_has_prefix (fixture->got->str, "HTTP/1.1 503 "));
  g_assert_nonnull (strstr (fixture->got->str, "Connection: close\r\n"));
  g_assert_nonnull (strstr (fixture->got->str, "The sink is broken\n"));
  g_assert_cmpuint (fixture->closed, ==, 1);
}

/* Nothing is read while the sink waits, and the client's time does not run. */
static void
test_waits (Fixture *fixture, gconstpointer express)
{
  fixture->limits.body_timeout = 100 * G_TIME_SPAN_MILLISECOND;
  fixture->state = KV_HTTP_SINK_WAITING;
  say (fixture, HEAD "Content-Length: 10\r\n\r\nabc");
  wait_for_taken (fixture, "abc");
  say (fixture, "def");
  for (gint64 end = g_get_monotonic_time () + G_USEC_PER_SEC / 2; g_get_monotonic_time () < end;)
    kv_http_poller_iterate (fixture->context.poller, FALSE);
  g_assert_cmpstr (fixture->taken->str, ==, "abc");

  /* It is asked whether it would take more before more is read. */
  fixture->exchange->carrier->resume_body (fixture->exchange);
  settle (fixture);
  g_assert_cmpstr (fixture->taken->str, ==, "abc");
  fixture->state = KV_HTTP_SINK_READY;
  fixture->exchange->carrier->resume_body (fixture->exchange);
  say (fixture, "ghij");
  receive_text (fixture, "taken\n");
}

static void
test_does_not_wait_at_the_end (Fixture *fixture, gconstpointer express)
{
  fixture->state = KV_HTTP_SINK_WAITING;
  say (fixture, HEAD "Content-Length: 3\r\n\r\nabc");
  receive_text (fixture, "taken\n");
}

/* A loop that does not block turns without end if an event is told over and over. */
static void
test_waiting_costs_nothing (Fixture *fixture, gconstpointer express)
{
  fixture->state = KV_HTTP_SINK_WAITING;
  say (fixture, HEAD "Content-Length: 10\r\n\r\nabc");
  wait_for_taken (fixture, "abc");
  say (fixture, "def");
  shutdown (fixture->client, SHUT_WR);
  settle (fixture);
  g_assert_false (kv_http_poller_iterate (fixture->context.poller, FALSE));
  g_assert_cmpuint (fixture->closed, ==, 0);
  fixture->state = KV_HTTP_SINK_READY;
  fixture->exchange->carrier->resume_body (fixture->exchange);
  receive_end (fixture);
  g_assert_cmpstr (fixture->taken->str, ==, "abcdef");
  g_assert_true (g_str_has_prefix (fixture->got->str, "HTTP/1.1 400 "));
}

static void
test_error_while_waiting (Fixture *fixture, gconstpointer express)
{
  fixture->state = KV_HTTP_SINK_WAITING;
  say (fixture, HEAD "Content-Length: 10\r\n\r\nabc");
  wait_for_taken (fixture, "abc");
  fixture->state = KV_HTTP_SINK_FAILED;
  fixture->exchange->carrier->resume_body (fixture->exchange);
  receive_end (fixture);
  g_assert_true (g_str_has_prefix (fixture->got->str, "HTTP/1.1 503 "));
}

static void
test_client_that_leaves_closes_it (Fixture *fixture, gconstpointer express)
{
  say (fixture, HEAD "Content-Length: 10\r\n\r\nabc");
  wait_for_taken (fixture, "abc");
  hang_up (fixture);
  while (fixture->n_closed == 0)
    turn (fixture);
  g_assert_cmpuint (fixture->closed, ==, 1);
}

static void
test_client_that_leaves_while_it_waits (Fixture *fixture, gconstpointer express)
{
  fixture->state = KV_HTTP_SINK_WAITING;
  say (fixture, HEAD "Content-Length: 10\r\n\r\nabc");
  wait_for_taken (fixture, "abc");
  hang_up (fixture);
  while (fixture->n_closed == 0)
    turn (fixture);
  g_assert_cmpuint (fixture->closed, ==, 1);
}

static void
test_silent_client_is_told (Fixture *fixture, gconstpointer express)
{
  fixture->limits.body_timeout = 100 * G_TIME_SPAN_MILLISECOND;
  say (fixture, HEAD "Content-Length: 10\r\n\r\nabc");
  receive_end (fixture);
  g_assert_true (g_str_has_prefix (fixture->got->str, "HTTP/1.1 408 "));
  g_assert_cmpuint (fixture->closed, ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func)                                                                           \
  g_test_add ("/http/sink/express/" path, Fixture, "express", set_up, func, tear_down);            \
  g_test_add ("/http/sink/libsoup/" path, Fixture, NULL, set_up, func, tear_down)
  TEST ("takes-what-comes", test_takes_what_comes);
  TEST ("takes-chunks", test_takes_chunks);
  TEST ("body-may-be-empty", test_body_may_be_empty);
  TEST ("long-body", test_long_body);
  TEST ("continues", test_continues);
  TEST ("refuses-by-the-head", test_refuses_by_the_head);
  TEST ("error-is-answered-at-once", test_error_is_answered_at_once);
  TEST ("waits", test_waits);
  TEST ("does-not-wait-at-the-end", test_does_not_wait_at_the_end);
  TEST ("waiting-costs-nothing", test_waiting_costs_nothing);
  TEST ("error-while-waiting", test_error_while_waiting);
  TEST ("client-that-leaves-closes-it", test_client_that_leaves_closes_it);
  TEST ("client-that-leaves-while-it-waits", test_client_that_leaves_while_it_waits);
  TEST ("silent-client-is-told", test_silent_client_is_told);
  return g_test_run ();
}
