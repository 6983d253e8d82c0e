/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Many streams of one key: what each of them is told while others lag, leave and join. */

#include "fake-carrier.h"
#include "http/stream/kv-http-sse.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long an event may keep a test waiting before it counts as lost. */
#define PATIENCE (60 * G_USEC_PER_SEC)

/* Two descriptors each, and more than the group serves without a pause. */
#define CROWD 450

typedef struct {
  GMainContext *context; /* (owned) */
  KvStore *store;        /* (owned) */
  KvHttpPoller *poller;  /* (owned) */
  KvSseGroup *group;     /* (owned) */
  KvHttpLimits limits;
  KvHttpContext http;
  guint64 written; /* the number that the key holds; 0 while it is absent */
} Fixture;

typedef struct {
  int fd;
  GString *text;  /* (owned): what has come and is no whole frame yet */
  gboolean begun; /* whether it has had its snapshot */
  guint64 last;   /* the number that it was told last */
  guint n_comments;
} Client;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->poller = kv_http_poller_new (NULL);
  fixture->context = g_main_context_ref (kv_http_poller_get_context (fixture->poller));
  g_main_context_push_thread_default (fixture->context);
  fixture->limits = (KvHttpLimits){
    .max_value_size = KV_VALUE_MAX_BYTES,
    .body_timeout = G_TIME_SPAN_HOUR,
    .keep_alive_interval = G_TIME_SPAN_HOUR,
  };
  fixture->store = kv_store_new ();
  fixture->group = kv_sse_group_new (fixture->poller, &fixture->limits);
  fixture->http =
    (KvHttpContext){ fixture->store, &fixture->limits, fixture->poller, fixture->group };
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  kv_sse_group_free (fixture->group);
  kv_http_poller_free (fixture->poller);
  g_clear_object (&fixture->store);
  g_main_context_pop_thread_default (fixture->context);
  g_main_context_unref (fixture->context);
}

static void
join (Fixture *fixture, Client *client)
{
  const FakeRequest request = { .method = "GET", .target = "/watch_key/k" };
  g_auto (FakeAnswer) answer = { .fd = -1 };

  fake_exchange (&fixture->http, NULL, &request, &answer);
  g_assert_cmpint (answer.fd, >=, 0);
  *client = (Client){ .fd = answer.fd, .text = g_string_new (NULL) };
  answer.fd = -1;
}

static void
part (Client *client)
{
  close (client->fd);
  g_string_free (client->text, TRUE);
}

/* Between a client's snapshot and its first number, and from each number to the next, there is neither gap nor repeat. */
static void
see_frame (Client *client, const char *frame)
{
  const char *data;
  guint64 number;

  if (*frame == ':')
    {
      client->n_comments++;
      return;
    }
  data = strstr (frame, "\ndata: ");
  g_assert_nonnull (data);
  number = g_ascii_strtoull (data + strlen ("\ndata: "), NULL, 10);
  g_assert_true (g_str_has_prefix (frame, client->begun ? "id: " : "event: WATCH key k\n"));
  if (client->begun)
    g_assert_cmpuint (number, ==, client->last + 1);
  client->begun = TRUE;
  client->last = number;
}

static void
listen_to (Client *client)
{
  GString *text = client->text;
  const char *end;
  char buffer[65536];
  gssize n;

  while ((n = recv (client->fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
    g_string_append_len (text, buffer, n);
  g_assert_cmpint (n, <, 0);
  g_assert_cmpint (errno, ==, EAGAIN);

  if (!client->begun && (end = strstr (text->str, "\r\n\r\n")) != NULL)
    g_string_erase (text, 0, end + 4 - text->str);
  while ((end = strstr (text->str, "\n\n")) != NULL)
    {
      g_autofree char *frame = g_strndup (text->str, end + 2 - text->str);

      see_frame (client, frame);
      g_string_erase (text, 0, (gssize) strlen (frame));
    }
}

static void
write_next (Fixture *fixture, const char *padding)
{
  g_autofree char *value =
    g_strdup_printf ("%" G_GUINT64_FORMAT "\n%s", ++fixture->written, padding);

  g_assert_cmpuint (kv_store_put (fixture->store, "k", value, -1, NULL), >, 0);
}

static void
listen_until_all_is_told (Fixture *fixture, Client *client)
{
  gint64 start = g_get_monotonic_time ();

  while (!client->begun || client->last < fixture->written)
    {
      g_assert_cmpint (g_get_monotonic_time () - start, <, PATIENCE);
      kv_http_poller_iterate (fixture->poller, FALSE);
      listen_to (client);
    }
}

/* One in five does not read before the end, by when its socket has long been full. One in three leaves in the middle of the
 * burst, each at another time, and somebody else comes in its place. */
static void
test_neither_gap_nor_repeat (Fixture *fixture, gconstpointer unused)
{
  const guint n_steps = 150;
  g_autofree char *padding = g_strnfill (1000, 'x');
  g_autofree Client *clients = g_new0 (Client, CROWD);
  KvStoreStatus status;
  guint n_lagging = 0;

  for (guint i = 0; i < CROWD; i++)
    join (fixture, &clients[i]);
  for (guint step = 0; step < n_steps; step++)
    {
      for (guint i = 0; i <= step % 4; i++)
        write_next (fixture, padding);
      /* One turn is not enough for all of them: they leave, join and write in the middle of it. */
      kv_http_poller_iterate (fixture->poller, FALSE);
      for (guint i = 0; i < CROWD; i++)
        if (i % 3 == 0 && i % n_steps == step)
          {
            part (&clients[i]);
            join (fixture, &clients[i]);
          }
        else if (i % 5 != 1)
          listen_to (&clients[i]);
    }

  while (kv_http_poller_iterate (fixture->poller, FALSE))
    ;
  for (guint i = 0; i < CROWD; i++)
    {
      listen_to (&clients[i]);
      n_lagging += clients[i].last < fixture->written;
      listen_until_all_is_told (fixture, &clients[i]);
    }
  g_assert_cmpuint (n_lagging, >, CROWD / 10);
  kv_store_get_status (fixture->store, &status);
  g_assert_cmpuint (status.watches, ==, CROWD);
  for (guint i = 0; i < CROWD; i++)
    part (&clients[i]);
}

/* Whoever lives in the same context has a turn before the whole crowd has been told. */
static void
test_leaves_room_for_others (Fixture *fixture, gconstpointer unused)
{
  g_autofree Client *clients = g_new0 (Client, CROWD);
  guint n_told = 0;

  for (guint i = 0; i < CROWD; i++)
    {
      join (fixture, &clients[i]);
      listen_until_all_is_told (fixture, &clients[i]);
    }
  while (kv_http_poller_iterate (fixture->poller, FALSE))
    ;

  write_next (fixture, "");
  kv_http_poller_iterate (fixture->poller, FALSE);
  for (guint i = 0; i < CROWD; i++)
    {
      listen_to (&clients[i]);
      n_told += clients[i].last == fixture->written;
    }
  g_assert_cmpuint (n_told, >, 0);
  g_assert_cmpuint (n_told, <, CROWD);
  for (guint i = 0; i < CROWD; i++)
    {
      listen_until_all_is_told (fixture, &clients[i]);
      part (&clients[i]);
    }
}

static guint
count_comments (Client *clients)
{
  guint n = 0;

  for (guint i = 0; i < CROWD; i++)
    {
      listen_to (&clients[i]);
      n += clients[i].n_comments;
    }
  return n;
}

/* Comments come to some of the streams, then to the others, and to all once before any has its next. */
static void
test_comments_come_in_slices (Fixture *fixture, gconstpointer unused)
{
  g_autofree Client *clients = g_new0 (Client, CROWD);
  gint64 start = g_get_monotonic_time ();
  guint first, told, n_slices = 0;

  fixture->limits.keep_alive_interval = 1;
  for (guint i = 0; i < CROWD; i++)
    join (fixture, &clients[i]);
  while (kv_http_poller_iterate (fixture->poller, FALSE))
    ;
  /* On a slow machine some rounds are over by now. */
  told = count_comments (clients);
  while (count_comments (clients) < told + 3 * CROWD)
    {
      guint before = count_comments (clients), least = G_MAXUINT, most = 0;

      g_assert_cmpint (g_get_monotonic_time () - start, <, PATIENCE);
      kv_http_poller_iterate (fixture->poller, TRUE);
      first = count_comments (clients) - before;
      g_assert_cmpuint (first, <, CROWD);
      n_slices += first > 0;
      for (guint i = 0; i < CROWD; i++)
        {
          least = MIN (least, clients[i].n_comments);
          most = MAX (most, clients[i].n_comments);
        }
      g_assert_cmpuint (most - least, <=, 1);
    }
  g_assert_cmpuint (n_slices, >=, 6);
  for (guint i = 0; i < CROWD; i++)
    part (&clients[i]);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define TEST(path, func)                                                                           \
  g_test_add ("/http/sse-crowd/" path, Fixture, NULL, set_up, func, tear_down)
  TEST ("neither-gap-nor-repeat", test_neither_gap_nor_repeat);
  TEST ("leaves-room-for-others", test_leaves_room_for_others);
  TEST ("comments-come-in-slices", test_comments_come_in_slices);
  return g_test_run ();
}
