/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* A connection with its gate and its lanes, over a socket pair, all in one thread. Each test runs with the express lane
 * and without. The routes are the tests' own, so that they can answer late, or not at all. */

#include "http/express/kv-express-lane.h"
#include "http/kv-http-router.h"
#include "stage.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long something may take that is to happen at once, in microseconds. */
#define PATIENCE (30 * G_TIME_SPAN_SECOND)

#define HOST "Host: localhost\r\n"
#define GET "GET /store/k HTTP/1.1\r\n" HOST
#define END "\r\n"

#define LARGE (2000 * 1000)

typedef struct {
  Stage stage; /* first, so that the pool is the fixture */
  KvHttpLane through_soup;
  KvHttpLane express;
  KvHttpRoute route;

  guint n_requests;        /* that have come to a route */
  GString *bodies;         /* of the requests, one after the other */
  KvHttpExchange *pending; /* one that has not been answered yet */
  KvHttpSocket socket;     /* one that was taken */
} Fixture;

static Fixture *
get_fixture (KvHttpExchange *exchange)
{
  return (Fixture *) kv_http_connection_get_pool (kv_http_connection_from_exchange (exchange));
}

static void
note_request (KvHttpExchange *exchange)
{
  Fixture *fixture = get_fixture (exchange);

  fixture->n_requests++;
  g_string_append_len (fixture->bodies, exchange->body.data, (gssize) exchange->body.length);
}

static void
answer_at_once (KvHttpExchange *exchange)
{
  note_request (exchange);
  exchange->response.body = "answer\n";
  kv_http_exchange_send (exchange, 200);
}

static void
answer_at_length (KvHttpExchange *exchange)
{
  note_request (exchange);
  exchange->response.body_bytes = g_bytes_new_take (g_strnfill (LARGE, 'x'), LARGE);
  kv_http_exchange_send (exchange, 200);
}

static void
answer_later (KvHttpExchange *exchange)
{
  note_request (exchange);
  get_fixture (exchange)->pending = exchange;
}

static void
take_the_socket (KvHttpExchange *exchange)
{
  Fixture *fixture = get_fixture (exchange);

  note_request (exchange);
  exchange->carrier->take_socket (exchange, &fixture->socket);
}

static void
take_the_second_socket_for_a_moment (KvHttpExchange *exchange)
{
  Fixture *fixture = get_fixture (exchange);

  if (fixture->n_requests == 0)
    {
      answer_at_once (exchange);
      return;
    }
  take_the_socket (exchange);
  fixture->socket.close (fixture->socket.owner);
}

/* So many requests, one behind the other, come before the one that takes the socket. */
#define BEFORE_SOCKET 100

static void
take_the_socket_at_last (KvHttpExchange *exchange)
{
  if (get_fixture (exchange)->n_requests < BEFORE_SOCKET)
    answer_at_once (exchange);
  else
    take_the_socket (exchange);
}

static void
replace_route (KvHttpConnection *connection)
{
  KvHttpExchange *exchange = kv_http_connection_get_exchange (connection);

  exchange->route = &get_fixture (exchange)->route;
}

static void
answer_through_soup (KvHttpConnection *connection)
{
  replace_route (connection);
  kv_soup_lane_get_functions ()->answer (connection);
}

static void
answer_express (KvHttpConnection *connection)
{
  replace_route (connection);
  kv_express_lane_get_functions ()->answer (connection);
}

static void
set_up_lanes (Fixture *fixture, gconstpointer handler, const KvHttpLane *express)
{
  fixture->route.handler = (KvHttpHandler) handler;
  fixture->bodies = g_string_new (NULL);
  fixture->through_soup = *kv_soup_lane_get_functions ();
  fixture->through_soup.answer = answer_through_soup;
  stage_set_up (&fixture->stage, &fixture->through_soup, express);
}

static void
set_up (Fixture *fixture, gconstpointer handler)
{
  set_up_lanes (fixture, handler, NULL);
}

static void
set_up_express (Fixture *fixture, gconstpointer handler)
{
  fixture->express = *kv_express_lane_get_functions ();
  fixture->express.answer = answer_express;
  set_up_lanes (fixture, handler, &fixture->express);
}

static void
tear_down (Fixture *fixture, gconstpointer handler)
{
  stage_tear_down (&fixture->stage);
  g_string_free (fixture->bodies, TRUE);
}

static void
send_answer (Fixture *fixture)
{
  KvHttpExchange *exchange = g_steal_pointer (&fixture->pending);

  g_assert_nonnull (exchange);
  exchange->response.body = "answer\n";
  kv_http_exchange_send (exchange, 200);
}

static void
wait_for_request (Fixture *fixture, guint n)
{
  while (fixture->n_requests < n)
    stage_turn (&fixture->stage);
}

static void
test_keeps_alive (Fixture *fixture, gconstpointer handler)
{
  for (guint i = 1; i <= 3; i++)
    {
      stage_say (&fixture->stage, GET END);
      stage_receive_all_of (&fixture->stage, "answer\n", i);
    }
  g_assert_cmpuint (stage_count (&fixture->stage, "HTTP/1.1 200 OK\r\n"), ==, 3);
  g_assert_cmpuint (stage_count (&fixture->stage, "Content-Length: 7\r\n"), ==, 3);
  g_assert_cmpuint (stage_count (&fixture->stage, "Connection:"), ==, 0);
  g_assert_cmpuint (stage_count (&fixture->stage, "Server:"), ==, 0);
  stage_hang_up (&fixture->stage);
  stage_wait_for_close (&fixture->stage);
}

/* More than one read takes: the socket tells of it once. */
static void
test_reads_on_where_a_read_was_too_short (Fixture *fixture, gconstpointer handler)
{
  const guint n_requests = 2000;
  g_autoptr (GString) requests = g_string_new (NULL);

  for (guint i = 0; i < n_requests; i++)
    g_string_append (requests, GET END);
  stage_say (&fixture->stage, requests->str);
  stage_receive_all_of (&fixture->stage, "answer\n", n_requests);
  stage_hang_up (&fixture->stage);
  stage_wait_for_close (&fixture->stage);
}

static void
test_closes_when_asked (Fixture *fixture, gconstpointer handler)
{
  stage_say (&fixture->stage, GET "Connection: close\r\n" END);
  stage_receive_end (&fixture->stage);
  g_assert_cmpuint (stage_count (&fixture->stage, "Connection: close\r\n"), ==, 1);
  g_assert_cmpuint (stage_count (&fixture->stage, "answer\n"), ==, 1);
  stage_hang_up (&fixture->stage);
  stage_wait_for_close (&fixture->stage);
}

static void
test_answers_pipelined_requests_in_order (Fixture *fixture, gconstpointer handler)
{
  for (guint i = 0; i < 20; i++)
    {
      stage_say (&fixture->stage,
                 "PUT /store/k HTTP/1.1\r\n" HOST "Content-Length: 2\r\n" END "a,");
      stage_say (&fixture->stage, "GET /nowhere HTTP/1.1\r\n" HOST END);
      stage_say (&fixture->stage, "PUT /store/k HTTP/1.1\r\n" HOST
                                  "Transfer-Encoding: chunked\r\n" END "2\r\nb,\r\n0\r\n\r\n");
    }
  stage_receive_all_of (&fixture->stage, "answer\n", 40);
  g_assert_cmpuint (stage_count (&fixture->stage, "HTTP/1.1 404 Not Found\r\n"), ==, 20);
  g_assert_cmpuint (fixture->bodies->len, ==, 40 * 2);
  g_assert_true (g_str_has_prefix (fixture->bodies->str, "a,b,a,b,"));
}

static void
test_answers_a_client_that_has_said_all (Fixture *fixture, gconstpointer handler)
{
  stage_say (&fixture->stage, GET END);
  g_assert_cmpint (shutdown (fixture->stage.client, SHUT_WR), ==, 0);
  stage_receive_end (&fixture->stage);
  g_assert_cmpuint (stage_count (&fixture->stage, "answer\n"), ==, 1);
  stage_wait_for_close (&fixture->stage);
}

static void
test_never_runs_a_route_on_half_a_body (Fixture *fixture, gconstpointer handler)
{
  stage_say (&fixture->stage, "PUT /store/k HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" END
                              "5\r\nhello\r\n");
  stage_settle (&fixture->stage);
  g_assert_cmpint (shutdown (fixture->stage.client, SHUT_WR), ==, 0);
  stage_receive_end (&fixture->stage);
  g_assert_true (g_str_has_prefix (fixture->stage.got->str, "HTTP/1.1 400 "));
  g_assert_cmpuint (fixture->n_requests, ==, 0);
}

static void
test_refuses_a_long_body_before_it_comes (Fixture *fixture, gconstpointer handler)
{
  fixture->stage.limits.max_value_size = 10;
  stage_say (&fixture->stage, "PUT /store/k HTTP/1.1\r\n" HOST "Content-Length: 11\r\n"
                              "Expect: 100-continue\r\n" END);
  stage_receive_end (&fixture->stage);
  g_assert_true (g_str_has_prefix (fixture->stage.got->str, "HTTP/1.1 413 "));
  g_assert_cmpuint (stage_count (&fixture->stage, "Connection: close\r\n"), ==, 1);
  g_assert_cmpuint (fixture->n_requests, ==, 0);
}

static void
test_asks_for_a_body_that_waits (Fixture *fixture, gconstpointer handler)
{
  stage_say (&fixture->stage, "PUT /store/k HTTP/1.1\r\n" HOST "Content-Length: 5\r\n"
                              "Expect: 100-continue\r\n" END);
  stage_receive_all_of (&fixture->stage, "HTTP/1.1 100 Continue\r\n\r\n", 1);
  stage_say (&fixture->stage, "hello");
  stage_receive_all_of (&fixture->stage, "answer\n", 1);
  g_assert_cmpstr (fixture->bodies->str, ==, "hello");
}

static void
test_gives_up_on_slow_requests (Fixture *fixture, gconstpointer handler)
{
  fixture->stage.limits.head_timeout = 100 * 1000;
  fixture->stage.limits.body_timeout = 100 * 1000;
  stage_say (&fixture->stage, "GET /store");
  stage_receive_end (&fixture->stage);
  g_assert_true (g_str_has_prefix (fixture->stage.got->str, "HTTP/1.1 408 "));

  stage_hang_up (&fixture->stage);
  fixture->stage.ended = FALSE;
  g_string_truncate (fixture->stage.got, 0);
  stage_connect (&fixture->stage);
  stage_say (&fixture->stage, "PUT /store/k HTTP/1.1\r\n" HOST "Content-Length: 5\r\n" END "hell");
  stage_receive_end (&fixture->stage);
  g_assert_true (g_str_has_prefix (fixture->stage.got->str, "HTTP/1.1 408 "));
  g_assert_cmpuint (fixture->n_requests, ==, 0);
}

static void
test_closes_idle_connections (Fixture *fixture, gconstpointer handler)
{
  fixture->stage.limits.idle_timeout = 100 * 1000;
  stage_say (&fixture->stage, GET END);
  stage_receive_end (&fixture->stage);
  g_assert_cmpuint (stage_count (&fixture->stage, "answer\n"), ==, 1);
  stage_wait_for_close (&fixture->stage);
}

static void
test_idles_after_an_empty_line (Fixture *fixture, gconstpointer handler)
{
  fixture->stage.limits.idle_timeout = 100 * 1000;
  stage_say (&fixture->stage,
             "PUT /store/k HTTP/1.1\r\n" HOST "Content-Length: 5\r\n" END "hello\r\n");
  stage_receive_end (&fixture->stage);
  g_assert_cmpuint (stage_count (&fixture->stage, "answer\n"), ==, 1);
  stage_wait_for_close (&fixture->stage);
}

static void
test_goes_on_after_a_rest (Fixture *fixture, gconstpointer handler)
{
  gint64 began = g_get_monotonic_time ();

  stage_say (&fixture->stage, GET END);
  stage_receive_all_of (&fixture->stage, "answer\n", 1);
  /* The only timer there is: the one that lets libsoup's objects go. */
  while (g_get_monotonic_time () - began < G_USEC_PER_SEC)
    stage_turn (&fixture->stage);
  stage_say (&fixture->stage, GET END GET END);
  stage_receive_all_of (&fixture->stage, "answer\n", 3);
}

static void
test_answers_later (Fixture *fixture, gconstpointer handler)
{
  stage_say (&fixture->stage, GET END GET END GET END);
  for (guint i = 1; i <= 3; i++)
    {
      wait_for_request (fixture, i);
      stage_settle (&fixture->stage);
      g_assert_cmpuint (fixture->n_requests, ==, i);
      send_answer (fixture);
      stage_receive_all_of (&fixture->stage, "answer\n", i);
    }
}

static void
test_drops_a_late_answer_to_nobody (Fixture *fixture, gconstpointer handler)
{
  stage_say (&fixture->stage, GET END GET END);
  wait_for_request (fixture, 1);
  stage_hang_up (&fixture->stage);
  stage_settle (&fixture->stage);
  g_assert_cmpuint (fixture->stage.n_closed, ==, 0);
  send_answer (fixture);
  stage_wait_for_close (&fixture->stage);
  g_assert_cmpuint (fixture->n_requests, ==, 1);
}

static void
test_lets_go_of_a_request_that_nobody_answers (Fixture *fixture, gconstpointer handler)
{
  stage_say (&fixture->stage, GET END);
  wait_for_request (fixture, 1);
  /* What tear_down() does has to work with it. */
}

static void
test_waits_for_slow_readers (Fixture *fixture, gconstpointer handler)
{
  stage_say (&fixture->stage, GET END GET END "GET /nowhere HTTP/1.1\r\n" HOST END);
  stage_settle (&fixture->stage);
  g_assert_cmpuint (fixture->n_requests, ==, 1);
  while (fixture->stage.got->len < 2 * LARGE || stage_count (&fixture->stage, "404 Not Found") == 0)
    {
      stage_receive (&fixture->stage);
      stage_settle (&fixture->stage);
    }
  g_assert_cmpuint (fixture->n_requests, ==, 2);
}

static void
test_gives_up_on_who_does_not_read (Fixture *fixture, gconstpointer handler)
{
  fixture->stage.limits.body_timeout = 100 * 1000;
  stage_say (&fixture->stage, GET END);
  stage_wait_for_close (&fixture->stage);
  g_assert_cmpuint (fixture->n_requests, ==, 1);
}

/* Neither is one served for ever that asks and asks and never reads. */
static void
test_stops_reading_from_who_does_not_read (Fixture *fixture, gconstpointer handler)
{
  g_autoptr (GString) requests = g_string_new (NULL);
  guint stopped;
  gssize sent;

  fixture->stage.limits.body_timeout = 200 * 1000;
  for (guint i = 0; i < 50; i++)
    g_string_append (requests, GET END);
  do
    {
      sent = send (fixture->stage.client, requests->str, requests->len, MSG_NOSIGNAL);
      stopped = fixture->n_requests;
      stage_settle (&fixture->stage);
    }
  while (sent > 0 || fixture->n_requests > stopped);
  g_assert_cmpint (errno, ==, EAGAIN);
  stage_wait_for_close (&fixture->stage);
  g_assert_cmpuint (fixture->n_requests, ==, stopped);
}

static void
receive_some (Fixture *fixture, gsize length)
{
  char buffer[48 * 1024];
  gssize n = recv (fixture->stage.client, buffer, MIN (length, sizeof buffer), 0);

  if (n > 0)
    g_string_append_len (fixture->stage.got, buffer, n);
}

static void
test_lingers_while_the_response_is_taken (Fixture *fixture, gconstpointer handler)
{
  int in_kernel;

  stage_say (&fixture->stage, GET "Connection: close\r\n" END);
  do
    {
      receive_some (fixture, 4096);
      stage_settle (&fixture->stage);
      g_assert_cmpint (ioctl (fixture->stage.client, FIONREAD, &in_kernel), ==, 0);
    }
  while (fixture->stage.got->len + (gsize) in_kernel < LARGE);
  g_assert_cmpint (in_kernel, >, 2 * 48 * 1024);

  /* All that is left is in the kernel, and a time limit is all that a turn waits for. */
  while (fixture->stage.n_closed == 0)
    {
      receive_some (fixture, 48 * 1024);
      stage_turn (&fixture->stage);
    }
  g_assert_cmpuint (fixture->stage.got->len, >, LARGE);
}

/* More than a read takes, all of it there before the answer was sent. */
static void
test_reads_over_what_is_there_already (Fixture *fixture, gconstpointer handler)
{
  g_autofree char *rest = g_strnfill (100 * 1024, 'x');
  g_autofree char *text = g_strconcat (GET "Connection: close\r\n" END, rest, NULL);
  gint64 end = g_get_monotonic_time () + PATIENCE;
  int left = 1;

  stage_say (&fixture->stage, text);
  stage_receive_end (&fixture->stage);
  g_assert_cmpuint (stage_count (&fixture->stage, "answer\n"), ==, 1);
  while (left > 0)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      g_assert_cmpuint (fixture->stage.n_closed, ==, 0);
      kv_http_poller_iterate (fixture->stage.context.poller, FALSE);
      g_assert_no_errno (ioctl (fixture->stage.client, SIOCOUTQ, &left));
    }
  stage_hang_up (&fixture->stage);
  stage_wait_for_close (&fixture->stage);
}

/* A little at a time, for longer than a client that is silent is waited for; who closes over that takes the answer back. */
static void
test_lingers_while_the_client_sends (Fixture *fixture, gconstpointer handler)
{
  gint64 end;

  stage_say (&fixture->stage, GET "Connection: close\r\n" END);
  stage_receive_all_of (&fixture->stage, "answer\n", 1);
  end = g_get_monotonic_time () + 1500 * 1000;
  while (g_get_monotonic_time () < end)
    {
      g_assert_cmpuint (fixture->stage.n_closed, ==, 0);
      g_assert_cmpint (send (fixture->stage.client, "x", 1, MSG_NOSIGNAL), ==, 1);
      kv_http_poller_iterate (fixture->stage.context.poller, FALSE);
      g_usleep (20 * 1000);
    }
  stage_wait_for_close (&fixture->stage);
}

/* Nor one whose last body comes while what was answered before is still on its way to it. */
static void
test_gives_up_on_who_sends_a_body_and_does_not_read (Fixture *fixture, gconstpointer handler)
{
  const int size = 1; /* the least that there is */
  g_autoptr (GString) requests = g_string_new (NULL);

  fixture->stage.limits.body_timeout = 500 * 1000;
  g_assert_cmpint (setsockopt (fixture->stage.server, SOL_SOCKET, SO_SNDBUF, &size, sizeof size),
                   ==, 0);
  for (guint i = 0; i < 100; i++)
    g_string_append (requests, GET END);
  g_string_append (requests, "PUT /store/k HTTP/1.1\r\n" HOST "Content-Length: 5\r\n" END "hell");
  stage_say (&fixture->stage, requests->str);
  wait_for_request (fixture, 100);
  stage_settle (&fixture->stage);
  stage_say (&fixture->stage, "o");
  stage_wait_for_close (&fixture->stage);
  g_assert_cmpuint (fixture->n_requests, ==, 101);
}

static void
test_bears_clients_that_leave_while_it_writes (Fixture *fixture, gconstpointer handler)
{
  stage_say (&fixture->stage, GET END GET END);
  stage_settle (&fixture->stage);
  stage_hang_up (&fixture->stage);
  stage_wait_for_close (&fixture->stage);
}

static void
test_gives_the_socket_away (Fixture *fixture, gconstpointer handler)
{
  char buffer[16];

  stage_say (&fixture->stage, GET END);
  wait_for_request (fixture, 1);
  stage_settle (&fixture->stage);
  g_assert_cmpint (send (fixture->socket.fd, "stream", 6, MSG_NOSIGNAL), ==, 6);
  stage_receive_all_of (&fixture->stage, "stream", 1);
  stage_say (&fixture->stage, "back");
  g_assert_cmpint (recv (fixture->socket.fd, buffer, sizeof buffer, 0), ==, 4);
  g_assert_cmpuint (fixture->stage.pool.connections.length, ==, 1);
  fixture->socket.close (fixture->socket.owner);
  g_assert_cmpuint (fixture->stage.n_closed, ==, 1);
  stage_receive_end (&fixture->stage);
}

/* Whoever took it may be done with it before the route returns. */
static void
test_gives_the_socket_away_for_a_moment (Fixture *fixture, gconstpointer handler)
{
  stage_say (&fixture->stage, GET END);
  stage_receive_all_of (&fixture->stage, "answer\n", 1);
  stage_say (&fixture->stage, GET END);
  stage_wait_for_close (&fixture->stage);
  stage_receive_end (&fixture->stage);
  g_assert_cmpuint (stage_count (&fixture->stage, "answer\n"), ==, 1);
}

/* What is still to be sent of the answers before it belongs to whoever takes the socket. */
static void
test_gives_away_what_is_unsent (Fixture *fixture, gconstpointer handler)
{
  const int size = 4096;
  const char *unsent;
  gsize length;

  stage_hang_up (&fixture->stage);
  stage_wait_for_close (&fixture->stage);
  stage_connect (&fixture->stage);
  g_assert_cmpint (setsockopt (fixture->stage.server, SOL_SOCKET, SO_SNDBUF, &size, sizeof size),
                   ==, 0);
  for (guint i = 0; i < BEFORE_SOCKET + 1; i++)
    stage_say (&fixture->stage, GET END);
  while (fixture->n_requests < BEFORE_SOCKET + 1)
    {
      stage_settle (&fixture->stage);
      if (fixture->socket.fd == 0)
        stage_receive (&fixture->stage);
    }
  if (fixture->socket.unsent != NULL)
    {
      unsent = g_bytes_get_data (fixture->socket.unsent, &length);
      stage_receive (&fixture->stage);
      g_string_append_len (fixture->stage.got, unsent, (gssize) length);
      g_bytes_unref (fixture->socket.unsent);
    }
  fixture->socket.close (fixture->socket.owner);
  stage_receive_end (&fixture->stage);
  g_assert_cmpuint (stage_count (&fixture->stage, "answer\n"), ==, BEFORE_SOCKET);
}

static void
test_drains (Fixture *fixture, gconstpointer handler)
{
  stage_say (&fixture->stage, GET END);
  wait_for_request (fixture, 1);
  fixture->stage.pool.draining = TRUE;
  kv_http_connection_drain (fixture->stage.pool.connections.head->data);
  stage_settle (&fixture->stage);
  g_assert_cmpuint (fixture->stage.n_closed, ==, 0);
  send_answer (fixture);
  stage_receive_end (&fixture->stage);
  g_assert_cmpuint (stage_count (&fixture->stage, "Connection: close\r\n"), ==, 1);
  g_assert_cmpuint (stage_count (&fixture->stage, "answer\n"), ==, 1);
}

/* The response has said already that the connection stays. */
static void
test_drains_what_it_meant_to_keep (Fixture *fixture, gconstpointer handler)
{
  stage_say (&fixture->stage, GET END);
  stage_settle (&fixture->stage);
  fixture->stage.pool.draining = TRUE;
  kv_http_connection_drain (fixture->stage.pool.connections.head->data);
  stage_receive_end (&fixture->stage);
  g_assert_cmpuint (fixture->stage.got->len, >, LARGE);
  g_assert_cmpuint (stage_count (&fixture->stage, "Connection: close\r\n"), ==, 0);
  stage_hang_up (&fixture->stage);
  stage_wait_for_close (&fixture->stage);
}

/* Closing over what came in between would take back what the client has not received yet. */
static void
test_drains_over_the_next_request (Fixture *fixture, gconstpointer handler)
{
  stage_say (&fixture->stage, GET END);
  stage_settle (&fixture->stage);
  stage_say (&fixture->stage, GET END);
  stage_settle (&fixture->stage);
  fixture->stage.pool.draining = TRUE;
  kv_http_connection_drain (fixture->stage.pool.connections.head->data);
  stage_receive_end (&fixture->stage);
  g_assert_cmpuint (fixture->stage.got->len, >, LARGE);
  g_assert_cmpuint (fixture->n_requests, ==, 1);
  stage_hang_up (&fixture->stage);
  stage_wait_for_close (&fixture->stage);
}

static void
test_drains_idle_connections_at_once (Fixture *fixture, gconstpointer handler)
{
  stage_say (&fixture->stage, GET END);
  stage_receive_all_of (&fixture->stage, "answer\n", 1);
  /* Not read yet when it is drained, and answered all the same. */
  stage_say (&fixture->stage, GET END);
  fixture->stage.pool.draining = TRUE;
  kv_http_connection_drain (fixture->stage.pool.connections.head->data);
  stage_receive_end (&fixture->stage);
  g_assert_cmpuint (stage_count (&fixture->stage, "answer\n"), ==, 2);
  g_assert_cmpuint (stage_count (&fixture->stage, "Connection: close\r\n"), ==, 1);

  stage_hang_up (&fixture->stage);
  stage_wait_for_close (&fixture->stage);
  fixture->stage.ended = FALSE;
  stage_connect (&fixture->stage);
  kv_http_connection_drain (fixture->stage.pool.connections.head->data);
  g_assert_cmpuint (fixture->stage.n_closed, ==, 2);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD_SOUP(path, handler, func)                                                              \
  g_test_add ("/http/connection/libsoup/" path, Fixture, (gconstpointer) handler, set_up, func,    \
              tear_down)
#define ADD_EXPRESS(path, handler, func)                                                           \
  g_test_add ("/http/connection/express/" path, Fixture, (gconstpointer) handler, set_up_express,  \
              func, tear_down)
#define ADD(path, handler, func)                                                                   \
  ADD_SOUP (path, handler, func);                                                                  \
  ADD_EXPRESS (path, handler, func)
  ADD ("keeps-alive", answer_at_once, test_keeps_alive);
  ADD ("reads-on-where-a-read-was-too-short", answer_at_once,
       test_reads_on_where_a_read_was_too_short);
  ADD ("closes-when-asked", answer_at_once, test_closes_when_asked);
  ADD ("answers-pipelined-requests-in-order", answer_at_once,
       test_answers_pipelined_requests_in_order);
  ADD ("answers-a-client-that-has-said-all", answer_at_once,
       test_answers_a_client_that_has_said_all);
  ADD ("never-runs-a-route-on-half-a-body", answer_at_once, test_never_runs_a_route_on_half_a_body);
  ADD ("refuses-a-long-body-before-it-comes", answer_at_once,
       test_refuses_a_long_body_before_it_comes);
  ADD ("asks-for-a-body-that-waits", answer_at_once, test_asks_for_a_body_that_waits);
  ADD ("gives-up-on-slow-requests", answer_at_once, test_gives_up_on_slow_requests);
  ADD ("closes-idle-connections", answer_at_once, test_closes_idle_connections);
  ADD ("idles-after-an-empty-line", answer_at_once, test_idles_after_an_empty_line);
  ADD_SOUP ("goes-on-after-a-rest", answer_at_once, test_goes_on_after_a_rest);
  ADD ("answers-later", answer_later, test_answers_later);
  ADD ("drops-a-late-answer-to-nobody", answer_later, test_drops_a_late_answer_to_nobody);
  ADD ("lets-go-of-a-request-that-nobody-answers", answer_later,
       test_lets_go_of_a_request_that_nobody_answers);
  ADD ("waits-for-slow-readers", answer_at_length, test_waits_for_slow_readers);
  ADD ("gives-up-on-who-does-not-read", answer_at_length, test_gives_up_on_who_does_not_read);
  ADD ("stops-reading-from-who-does-not-read", answer_at_once,
       test_stops_reading_from_who_does_not_read);
  /* Through libsoup there is never that much to be sent when a head is read. */
  ADD_EXPRESS ("gives-up-on-who-sends-a-body-and-does-not-read", answer_at_once,
               test_gives_up_on_who_sends_a_body_and_does_not_read);
  ADD ("lingers-while-the-response-is-taken", answer_at_length,
       test_lingers_while_the_response_is_taken);
  ADD ("reads-over-what-is-there-already", answer_at_once, test_reads_over_what_is_there_already);
  ADD ("lingers-while-the-client-sends", answer_at_once, test_lingers_while_the_client_sends);
  ADD ("bears-clients-that-leave-while-it-writes", answer_at_length,
       test_bears_clients_that_leave_while_it_writes);
  ADD ("gives-the-socket-away", take_the_socket, test_gives_the_socket_away);
  ADD ("gives-the-socket-away-for-a-moment", take_the_second_socket_for_a_moment,
       test_gives_the_socket_away_for_a_moment);
  ADD ("gives-away-what-is-unsent", take_the_socket_at_last, test_gives_away_what_is_unsent);
  ADD ("drains", answer_later, test_drains);
  ADD ("drains-what-it-meant-to-keep", answer_at_length, test_drains_what_it_meant_to_keep);
  ADD ("drains-over-the-next-request", answer_at_length, test_drains_over_the_next_request);
  ADD ("drains-idle-connections-at-once", answer_at_once, test_drains_idle_connections_at_once);
#undef ADD
#undef ADD_EXPRESS
#undef ADD_SOUP
  return g_test_run ();
}
