/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Writers, or readers, that each send a request, await the answer, and send another: the same program for whoever is asked,
 * by HTTP or in redis's protocol, so that what differs is the server.
 *
 *   durability-client PORT put|get|set CONNECTIONS SECONDS
 *
 * put and get speak HTTP to kvstored, set speaks to redis. Of 1,000 keys one is drawn for each request; values have 32 bytes,
 * also those that get expects. Prints one line of JSON: requests, microseconds, and the percentiles of latency. */

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEYS 1000
#define VALUE "0123456789abcdef0123456789abcdef"
#define MAX_ANSWER 1024
#define MAX_EVENTS 64

typedef enum {
  PUT,
  GET,
  SET,
} What;

typedef struct {
  int fd;
  gint64 sent; /* when, in monotonic microseconds */
  gsize length;
  char answer[MAX_ANSWER];
} Connection;

typedef struct {
  What what;
  guint16 port;
  int epoll_fd;
  GRand *random; /* (owned) */
  GArray *waits; /* (owned) (element-type guint32): in microseconds */
  gint64 end;    /* no request is sent from then on */
  guint n_under_way;
} Client;

static void
die (const char *what)
{
  fprintf (stderr, "durability-client: %s\n", what);
  exit (1);
}

static int
write_request (const Client *client, char *buffer, gsize size)
{
  int key = g_rand_int_range (client->random, 0, KEYS);

  switch (client->what)
    {
    case PUT:
      return g_snprintf (
        buffer, size,
        "PUT /store/key-%09d HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s", key,
        strlen (VALUE), VALUE);
    case GET:
      return g_snprintf (buffer, size, "GET /store/key-%09d HTTP/1.1\r\nHost: localhost\r\n\r\n",
                         key);
    case SET:
      return g_snprintf (buffer, size, "*3\r\n$3\r\nSET\r\n$13\r\nkey-%09d\r\n$%zu\r\n%s\r\n", key,
                         strlen (VALUE), VALUE);
    default:
      g_assert_not_reached ();
    }
}

static void
send_request (Client *client, Connection *connection)
{
  char request[256];
  int length = write_request (client, request, sizeof request);

  connection->length = 0;
  connection->sent = g_get_monotonic_time ();
  if (send (connection->fd, request, (gsize) length, MSG_NOSIGNAL) != length)
    die ("a request could not be sent");
  client->n_under_way++;
}

/* Whether the answer has come whole; ends with an error when it is no success. */
static gboolean
is_whole (const Client *client, const Connection *connection)
{
  const char *answer = connection->answer;
  const char *end;

  if (client->what == SET)
    {
      if (connection->length > 0 && answer[0] != '+')
        die ("redis has refused a write");
      return connection->length == strlen ("+OK\r\n");
    }
  end = strstr (answer, "\r\n\r\n");
  if (end == NULL)
    return FALSE;
  if (answer[strlen ("HTTP/1.1 ")] != '2')
    die (answer);
  return client->what == PUT || strlen (end + 4) == strlen (VALUE);
}

static void
on_readable (Client *client, Connection *connection)
{
  gssize n = recv (connection->fd, connection->answer + connection->length,
                   MAX_ANSWER - 1 - connection->length, 0);
  gint64 now = g_get_monotonic_time ();
  guint32 wait;

  if (n <= 0)
    die ("the server has closed a connection");
  connection->length += (gsize) n;
  connection->answer[connection->length] = '\0';
  if (!is_whole (client, connection))
    return;
  wait = (guint32) (now - connection->sent);
  g_array_append_val (client->waits, wait);
  client->n_under_way--;
  if (now < client->end)
    send_request (client, connection);
}

static void
open_connection (Client *client, Connection *connection)
{
  struct sockaddr_in server = { .sin_family = AF_INET,
                                .sin_port = htons (client->port),
                                .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
  const int one = 1;

  connection->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection->fd < 0 || connect (connection->fd, (struct sockaddr *) &server, sizeof server) < 0
      || epoll_ctl (client->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) < 0)
    die (g_strerror (errno));
  setsockopt (connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static int
compare_waits (gconstpointer a, gconstpointer b)
{
  guint32 one = *(const guint32 *) a, other = *(const guint32 *) b;

  return one < other ? -1 : one > other;
}

static guint32
get_percentile (const Client *client, double part)
{
  return g_array_index (client->waits, guint32, (guint) (part * (client->waits->len - 1)));
}

static void
run (Client *client, Connection *connections, guint n_connections, double seconds)
{
  gint64 start = g_get_monotonic_time ();

  client->end = start + (gint64) (seconds * G_USEC_PER_SEC);
  for (guint i = 0; i < n_connections; i++)
    send_request (client, &connections[i]);
  while (client->n_under_way > 0)
    {
      struct epoll_event events[MAX_EVENTS];
      int n = epoll_wait (client->epoll_fd, events, MAX_EVENTS, 30 * 1000);

      if (n == 0)
        die ("no answer in 30 seconds");
      for (int i = 0; i < n; i++)
        on_readable (client, events[i].data.ptr);
    }

  g_array_sort (client->waits, compare_waits);
  printf ("{\"requests\": %u, \"microseconds\": %" G_GINT64_FORMAT
          ", \"p50\": %u, \"p99\": %u, \"p999\": %u}\n",
          client->waits->len, g_get_monotonic_time () - start, get_percentile (client, 0.5),
          get_percentile (client, 0.99), get_percentile (client, 0.999));
}

static What
parse_what (const char *word)
{
  static const char *const words[] = { "put", "get", "set" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_str_equal (word, words[i]))
      return (What) i;
  die ("usage: durability-client PORT put|get|set CONNECTIONS SECONDS");
  g_assert_not_reached ();
}

int
main (int argc, char *argv[])
{
  Client client = { .epoll_fd = epoll_create1 (EPOLL_CLOEXEC) };
  g_autofree Connection *connections = NULL;
  guint n_connections;

  if (argc != 5)
    die ("usage: durability-client PORT put|get|set CONNECTIONS SECONDS");
  client.port = (guint16) atoi (argv[1]);
  client.what = parse_what (argv[2]);
  client.random = g_rand_new_with_seed (1);
  client.waits = g_array_new (FALSE, FALSE, sizeof (guint32));
  n_connections = (guint) MAX (atoi (argv[3]), 1);
  connections = g_new0 (Connection, n_connections);
  for (guint i = 0; i < n_connections; i++)
    open_connection (&client, &connections[i]);
  run (&client, connections, n_connections, g_ascii_strtod (argv[4], NULL));

  for (guint i = 0; i < n_connections; i++)
    close (connections[i].fd);
  g_array_unref (client.waits);
  g_rand_free (client.random);
  close (client.epoll_fd);
  return 0;
}
