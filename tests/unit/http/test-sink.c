/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Bodies that go to a sink as they come, through a connection with its gate and its lanes, over a socket pair. Each test
 * runs with the express lane and without. */

#include "core/kv-error.h"
#include "http/express/kv-express-lane.h"
#include "http/kv-http-router.h"
#include "stage.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD "POST /sink HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
#define NEXT "POST /next HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"

typedef struct {
  Stage stage; /* first, so that the pool is the fixture */

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
set_up (Fixture *fixture, gconstpointer express)
{
  current = fixture;
  fixture->taken = g_string_new (NULL);
  stage_set_up (&fixture->stage, kv_soup_lane_get_functions (),
                express != NULL ? kv_express_lane_get_functions () : NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer express)
{
  stage_tear_down (&fixture->stage);
  g_assert_cmpuint (fixture->opened, ==, fixture->closed);
  g_string_free (fixture->taken, TRUE);
}

static void
wait_for_taken (Fixture *fixture, const char *text)
{
  while (fixture->taken->len < strlen (text))
    stage_turn (&fixture->stage);
  g_assert_cmpstr (fixture->taken->str, ==, text);
}

static void
test_takes_what_comes (Fixture *fixture, gconstpointer express)
{
  stage_say (&fixture->stage, HEAD "Content-Length: 10\r\n\r\nabc");
  wait_for_taken (fixture, "abc");
  stage_say (&fixture->stage, "defg");
  wait_for_taken (fixture, "abcdefg");
  g_assert_cmpuint (fixture->closed, ==, 0);
  stage_say (&fixture->stage, "hij" NEXT);
  stage_receive_all_of (&fixture->stage, "next\n", 1);
  g_assert_nonnull (strstr (fixture->stage.got->str, "taken\n"));
  g_assert_cmpstr (fixture->taken->str, ==, "abcdefghij");
  g_assert_cmpuint (fixture->closed, ==, 1);
}

static void
test_takes_chunks (Fixture *fixture, gconstpointer express)
{
  stage_say (&fixture->stage, HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nab");
  wait_for_taken (fixture, "ab");
  stage_say (&fixture->stage, "c\r\n2;x=y\r\n");
  stage_settle (&fixture->stage);
  g_assert_cmpstr (fixture->taken->str, ==, "abc");
  stage_say (&fixture->stage, "de\r\n0\r\nTrailer: x\r\n\r\n" NEXT);
  stage_receive_all_of (&fixture->stage, "next\n", 1);
  g_assert_nonnull (strstr (fixture->stage.got->str, "taken\n"));
  g_assert_cmpstr (fixture->taken->str, ==, "abcde");
}

static void
test_body_may_be_empty (Fixture *fixture, gconstpointer express)
{
  stage_say (&fixture->stage, HEAD "Content-Length: 0\r\n\r\n" HEAD
                                   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT);
  stage_receive_all_of (&fixture->stage, "next\n", 1);
  g_assert_cmpuint (fixture->closed, ==, 2);
  g_assert_cmpuint (fixture->taken->len, ==, 0);
}

/* More than all buffers hold: nothing of it stays behind. */
static void
test_long_body (Fixture *fixture, gconstpointer express)
{
  g_autofree char *piece = g_strnfill (10000, 'x');

  stage_say (&fixture->stage, HEAD "Content-Length: 10000000\r\n\r\n");
  for (guint i = 0; i < 1000; i++)
    {
      stage_say (&fixture->stage, piece);
      stage_settle (&fixture->stage);
      g_assert_cmpuint (fixture->taken->len, ==, (i + 1) * 10000);
    }
  stage_receive_all_of (&fixture->stage, "taken\n", 1);
}

static void
test_continues (Fixture *fixture, gconstpointer express)
{
  stage_say (&fixture->stage, HEAD "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  stage_receive_all_of (&fixture->stage, "HTTP/1.1 100 Continue\r\n\r\n", 1);
  stage_say (&fixture->stage, "ab");
  stage_receive_all_of (&fixture->stage, "taken\n", 1);
}

static void
test_refuses_by_the_head (Fixture *fixture, gconstpointer express)
{
  stage_say (&fixture->stage,
             "POST /sink?x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
             "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  stage_receive_end (&fixture->stage);
  g_assert_true (g_str_has_prefix (fixture->stage.got->str, "HTTP/1.1 400 "));
  g_assert_nonnull (strstr (fixture->stage.got->str, "There is a query\n"));
  g_assert_cmpuint (fixture->opened, ==, 0);
}

static void
test_error_is_answered_at_once (Fixture *fixture, gconstpointer express)
{
  stage_say (&fixture->stage, HEAD "Content-Length: 10\r\n\r\nabc");
  wait_for_taken (fixture, "abc");
  fixture->state = KV_HTTP_SINK_FAILED;
  stage_say (&fixture->stage, "d");
  stage_receive_end (&fixture->stage);
  g_assert_true (g_str_has_prefix (fixture->stage.got->str, "HTTP/1.1 503 "));
  g_assert_nonnull (strstr (fixture->stage.got->str, "Connection: close\r\n"));
  g_assert_nonnull (strstr (fixture->stage.got->str, "The sink is broken\n"));
  g_assert_cmpuint (fixture->closed, ==, 1);
}

/* Nothing is read while the sink waits, and the client's time does not run. */
static void
test_waits (Fixture *fixture, gconstpointer express)
{
  fixture->stage.limits.body_timeout = 100 * G_TIME_SPAN_MILLISECOND;
  fixture->state = KV_HTTP_SINK_WAITING;
  stage_say (&fixture->stage, HEAD "Content-Length: 10\r\n\r\nabc");
  wait_for_taken (fixture, "abc");
  stage_say (&fixture->stage, "def");
  for (gint64 end = g_get_monotonic_time () + G_USEC_PER_SEC / 2; g_get_monotonic_time () < end;)
    kv_http_poller_iterate (fixture->stage.context.poller, FALSE);
  g_assert_cmpstr (fixture->taken->str, ==, "abc");

  /* It is asked whether it would take more before more is read. */
  fixture->exchange->carrier->resume_body (fixture->exchange);
  stage_settle (&fixture->stage);
  g_assert_cmpstr (fixture->taken->str, ==, "abc");
  fixture->state = KV_HTTP_SINK_READY;
  fixture->exchange->carrier->resume_body (fixture->exchange);
  stage_say (&fixture->stage, "ghij");
  stage_receive_all_of (&fixture->stage, "taken\n", 1);
}

static void
test_does_not_wait_at_the_end (Fixture *fixture, gconstpointer express)
{
  fixture->state = KV_HTTP_SINK_WAITING;
  stage_say (&fixture->stage, HEAD "Content-Length: 3\r\n\r\nabc");
  stage_receive_all_of (&fixture->stage, "taken\n", 1);
}

/* A loop that does not block turns without end if an event is told over and over. */
static void
test_waiting_costs_nothing (Fixture *fixture, gconstpointer express)
{
  fixture->state = KV_HTTP_SINK_WAITING;
  stage_say (&fixture->stage, HEAD "Content-Length: 10\r\n\r\nabc");
  wait_for_taken (fixture, "abc");
  stage_say (&fixture->stage, "def");
  shutdown (fixture->stage.client, SHUT_WR);
  stage_settle (&fixture->stage);
  g_assert_false (kv_http_poller_iterate (fixture->stage.context.poller, FALSE));
  g_assert_cmpuint (fixture->closed, ==, 0);
  fixture->state = KV_HTTP_SINK_READY;
  fixture->exchange->carrier->resume_body (fixture->exchange);
  stage_receive_end (&fixture->stage);
  g_assert_cmpstr (fixture->taken->str, ==, "abcdef");
  g_assert_true (g_str_has_prefix (fixture->stage.got->str, "HTTP/1.1 400 "));
}

static void
test_error_while_waiting (Fixture *fixture, gconstpointer express)
{
  fixture->state = KV_HTTP_SINK_WAITING;
  stage_say (&fixture->stage, HEAD "Content-Length: 10\r\n\r\nabc");
  wait_for_taken (fixture, "abc");
  fixture->state = KV_HTTP_SINK_FAILED;
  fixture->exchange->carrier->resume_body (fixture->exchange);
  stage_receive_end (&fixture->stage);
  g_assert_true (g_str_has_prefix (fixture->stage.got->str, "HTTP/1.1 503 "));
}

static void
test_client_that_leaves_closes_it (Fixture *fixture, gconstpointer express)
{
  stage_say (&fixture->stage, HEAD "Content-Length: 10\r\n\r\nabc");
  wait_for_taken (fixture, "abc");
  stage_hang_up (&fixture->stage);
  while (fixture->stage.n_closed == 0)
    stage_turn (&fixture->stage);
  g_assert_cmpuint (fixture->closed, ==, 1);
}

static void
test_client_that_leaves_while_it_waits (Fixture *fixture, gconstpointer express)
{
  fixture->state = KV_HTTP_SINK_WAITING;
  stage_say (&fixture->stage, HEAD "Content-Length: 10\r\n\r\nabc");
  wait_for_taken (fixture, "abc");
  stage_hang_up (&fixture->stage);
  while (fixture->stage.n_closed == 0)
    stage_turn (&fixture->stage);
  g_assert_cmpuint (fixture->closed, ==, 1);
}

static void
test_silent_client_is_told (Fixture *fixture, gconstpointer express)
{
  fixture->stage.limits.body_timeout = 100 * G_TIME_SPAN_MILLISECOND;
  stage_say (&fixture->stage, HEAD "Content-Length: 10\r\n\r\nabc");
  stage_receive_end (&fixture->stage);
  g_assert_true (g_str_has_prefix (fixture->stage.got->str, "HTTP/1.1 408 "));
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
