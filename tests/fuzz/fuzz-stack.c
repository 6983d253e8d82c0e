/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "fuzz-stack.h"

#include "http/connection/kv-http-connection.h"
#include "http/express/kv-express-lane.h"
#include "http/soup/kv-soup-lane.h"
#include "http/stream/kv-http-dump.h"
#include "http/stream/kv-http-sse.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long nothing may happen on a connection that is to end, in seconds. The coarse timers of the
 * door's own are much shorter. */
#define PATIENCE 20

typedef struct {
  KvHttpPool pool; /* first, so that the pool is the stack */
  KvHttpContext context;
  GMainContext *main_context; /* (owned) */
  KvRateLimiter *limiter;     /* (owned) */
  KvSoupLane *lane;           /* (owned) */
} Stack;

/* The other connection: a request with a body, and what is to be answered. */
static const char neighbour_request[] =
  "POST /store/cas/of-the-neighbour HTTP/1.1\r\nHost: neighbour\r\nConnection: close\r\n"
  "Content-Type: application/json\r\nContent-Length: 48\r\n\r\n"
  "{\"expected\":\"what is not there\",\"new\":\"a value\"}";
static const char neighbour_status[] = "HTTP/1.1 404 ";

typedef struct {
  int fd;       /* (owned) */
  gsize said;   /* of the neighbour's request */
  GString *got; /* (owned) */
  gboolean ended;
} Client;

static void
on_closed (KvHttpPool *pool)
{
}

static void
stack_set_up (Stack *stack, KvStore *store, gboolean express)
{
  g_autoptr (GError) error = NULL;

  stack->context.poller = kv_http_poller_new (&error);
  g_assert_no_error (error);
  stack->main_context = g_main_context_ref (kv_http_poller_get_context (stack->context.poller));
  g_main_context_push_thread_default (stack->main_context);
  stack->limiter = kv_rate_limiter_new (0, 1);
  stack->lane = kv_soup_lane_new ();
  stack->context.store = store;
  stack->context.limits = &kv_http_default_limits;
  stack->context.streams = kv_sse_group_new (stack->context.poller, stack->context.limits);
  stack->context.dumps = kv_http_dump_group_new (stack->context.poller, stack->context.limits);
  stack->pool.context = &stack->context;
  stack->pool.limiter = stack->limiter;
  stack->pool.express = express ? kv_express_lane_get_functions () : NULL;
  stack->pool.lane = kv_soup_lane_get_functions ();
  stack->pool.lane_data = stack->lane;
  stack->pool.closed = on_closed;
}

static void
stack_tear_down (Stack *stack)
{
  kv_sse_group_free (stack->context.streams);
  kv_http_dump_group_free (stack->context.dumps);
  kv_soup_lane_free (stack->lane);
  while (stack->pool.connections.head != NULL)
    kv_http_connection_abort (stack->pool.connections.head->data);
  kv_http_pool_clear (&stack->pool);
  kv_http_poller_free (stack->context.poller);
  kv_rate_limiter_free (stack->limiter);
  g_main_context_pop_thread_default (stack->main_context);
  g_main_context_unref (stack->main_context);
}

static void
settle (Stack *stack)
{
  while (kv_http_poller_iterate (stack->context.poller, FALSE))
    ;
}

static void
client_connect (Client *client, Stack *stack)
{
  int pair[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), ==,
                   0);
  *client = (Client){ .fd = pair[0], .got = g_string_new (NULL) };
  kv_http_connection_open (&stack->pool, pair[1], "uid:1");
}

static void
client_receive (Client *client)
{
  char buffer[16 * 1024];
  gssize n;

  while ((n = recv (client->fd, buffer, sizeof buffer, 0)) > 0)
    g_string_append_len (client->got, buffer, n);
  if (n == 0 || (errno != EAGAIN && errno != EINTR))
    client->ended = TRUE;
}

/* Says what is left to say for as long as there is somebody who listens. */
static void
client_say (Client *client, Stack *stack, const char *data, gsize length)
{
  while (length > 0 && !client->ended)
    {
      gssize n = send (client->fd, data, length, MSG_NOSIGNAL);

      if (n > 0)
        {
          data += n;
          length -= (gsize) n;
        }
      else if (errno != EAGAIN)
        return;
      settle (stack);
      client_receive (client);
    }
}

static void
client_say_some (Client *neighbour, Stack *stack, gsize some)
{
  gsize length = MIN (some, sizeof neighbour_request - 1 - neighbour->said);

  client_say (neighbour, stack, neighbour_request + neighbour->said, length);
  neighbour->said += length;
}

static gboolean
on_patience_lost (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_CONTINUE;
}

/* Reads to the end, which comes without anybody's doing anything. */
static void
client_finish (Client *client, Stack *stack)
{
  g_autoptr (GSource) source = g_timeout_source_new_seconds (PATIENCE);
  gboolean too_late = FALSE;

  g_source_set_callback (source, on_patience_lost, &too_late, NULL);
  g_source_attach (source, stack->main_context);
  shutdown (client->fd, SHUT_WR);
  settle (stack);
  for (client_receive (client); !client->ended; client_receive (client))
    {
      kv_http_poller_iterate (stack->context.poller, TRUE);
      g_assert_false (too_late);
    }
  g_source_destroy (source);
  close (client->fd);
  settle (stack);
}

/* The cuts are the input's: the same bytes are always cut in the same places. */
static guint32
next_cut (guint32 *state)
{
  *state = *state * 1664525u + 1013904223u;
  return *state >> 16;
}

static guint32
make_seed (const char *data, gsize length)
{
  guint32 seed = 2166136261u;

  for (gsize i = 0; i < length; i++)
    seed = (seed ^ (guint8) data[i]) * 16777619u;
  return seed;
}

static gsize
get_piece (FuzzPace pace, guint32 *state, gsize left)
{
  switch (pace)
    {
    case FUZZ_PACE_WHOLE:
      return left;
    case FUZZ_PACE_PIECES:
      return 1 + next_cut (state) % 200;
    case FUZZ_PACE_BYTES:
      return 1;
    }
  g_assert_not_reached ();
}

GString *
fuzz_stack_run (KvStore *store, gboolean express, FuzzPace pace, const char *data, gsize length)
{
  guint32 state = make_seed (data, length);
  Stack stack = { 0 };
  Client client, neighbour;

  stack_set_up (&stack, store, express);
  client_connect (&client, &stack);
  client_connect (&neighbour, &stack);
  while (length > 0)
    {
      gsize wanted = get_piece (pace, &state, length);
      gsize piece = MIN (wanted, length);

      client_say (&client, &stack, data, piece);
      data += piece;
      length -= piece;
      if (pace == FUZZ_PACE_PIECES)
        client_say_some (&neighbour, &stack, 1 + next_cut (&state) % 40);
    }
  client_finish (&client, &stack);
  client_say_some (&neighbour, &stack, G_MAXSIZE);
  client_finish (&neighbour, &stack);
  g_assert_true (g_str_has_prefix (neighbour.got->str, neighbour_status));
  g_string_free (neighbour.got, TRUE);
  stack_tear_down (&stack);
  return client.got;
}
