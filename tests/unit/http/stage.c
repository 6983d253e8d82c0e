/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "stage.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
on_closed (KvHttpPool *pool)
{
  ((Stage *) pool)->n_closed++;
}

void
stage_connect (Stage *stage)
{
  int pair[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), ==,
                   0);
  stage->client = pair[0];
  stage->server = pair[1];
  kv_http_connection_open (&stage->pool, pair[1], "uid:1");
}

void
stage_set_up (Stage *stage, const KvHttpLane *through_soup, const KvHttpLane *express)
{
  stage->limits = kv_http_default_limits;
  stage->context.poller = kv_http_poller_new (NULL);
  stage->main_context = g_main_context_ref (kv_http_poller_get_context (stage->context.poller));
  g_main_context_push_thread_default (stage->main_context);
  stage->limiter = kv_rate_limiter_new (0, 1);
  stage->lane = kv_soup_lane_new ();
  stage->context.limits = &stage->limits;
  stage->pool.context = &stage->context;
  stage->pool.limiter = stage->limiter;
  stage->pool.express = express;
  stage->pool.lane = through_soup;
  stage->pool.lane_data = stage->lane;
  stage->pool.closed = on_closed;
  stage->got = g_string_new (NULL);
  stage_connect (stage);
}

void
stage_tear_down (Stage *stage)
{
  kv_soup_lane_free (stage->lane);
  while (stage->pool.connections.head != NULL)
    kv_http_connection_abort (stage->pool.connections.head->data);
  kv_http_pool_clear (&stage->pool);
  kv_http_poller_free (stage->context.poller);
  kv_rate_limiter_free (stage->limiter);
  g_main_context_pop_thread_default (stage->main_context);
  g_main_context_unref (stage->main_context);
  g_string_free (stage->got, TRUE);
  if (stage->client >= 0)
    close (stage->client);
}

void
stage_say (Stage *stage, const char *text)
{
  g_assert_cmpint (send (stage->client, text, strlen (text), MSG_NOSIGNAL), ==, strlen (text));
}

void
stage_turn (Stage *stage)
{
  kv_http_poller_iterate (stage->context.poller, TRUE);
}

void
stage_settle (Stage *stage)
{
  while (kv_http_poller_iterate (stage->context.poller, FALSE))
    ;
}

void
stage_hang_up (Stage *stage)
{
  close (stage->client);
  stage->client = -1;
}

void
stage_receive (Stage *stage)
{
  char buffer[64 * 1024];
  gssize n;

  while ((n = recv (stage->client, buffer, sizeof buffer, 0)) > 0)
    g_string_append_len (stage->got, buffer, n);
  if (n == 0)
    stage->ended = TRUE;
  else
    g_assert_cmpint (errno, ==, EAGAIN);
}

guint
stage_count (const Stage *stage, const char *text)
{
  guint n = 0;

  for (const char *at = stage->got->str; (at = strstr (at, text)) != NULL; at++)
    n++;
  return n;
}

void
stage_receive_all_of (Stage *stage, const char *text, guint times)
{
  for (stage_receive (stage); stage_count (stage, text) < times; stage_receive (stage))
    {
      g_assert_false (stage->ended);
      stage_turn (stage);
    }
}

void
stage_receive_end (Stage *stage)
{
  for (stage_receive (stage); !stage->ended; stage_receive (stage))
    stage_turn (stage);
}

void
stage_wait_for_close (Stage *stage)
{
  while (stage->n_closed == 0)
    stage_turn (stage);
}
