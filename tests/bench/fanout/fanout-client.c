/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* Thousands of watchers of one key, and the one who writes it. Driven by lines on the standard input, each answered by a
 * line when it is done:
 *
 *   open N            opens streams until there are N, each of which has had its first frame
 *   publish ROUNDS    writes the key so many times, each time when all have been told the time before
 *   burst ROUNDS B    the same with B writes at a time, sent in one go
 *   close             closes the streams
 *
 * publish and burst answer with the frames that came, and the microseconds from the write to the last of them, on average.
 * Values are numbers that rise by one, and each stream must see each of them once, in order: else this ends with an error. */

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

#define VALUE_LENGTH 32
#define MAX_FRAME 512
#define MAX_OPENING 256
#define NAP 500
#define MAX_NAPS 60000

/* A loopback address has some 28,000 ports for connections to one server. Each of these has its own. */
#define STREAMS_AN_ADDRESS 10000

typedef struct {
  int fd;
  gboolean begun;   /* its head has been read, and its first frame */
  guint64 last;     /* the number that it has seen last */
  guint kept;       /* bytes of a frame that has not come whole */
  char *unfinished; /* (owned) (nullable): those, MAX_FRAME at most */
} Stream;

typedef struct {
  guint16 port;
  int epoll_fd;
  int control;     /* the socket that writes the key */
  Stream *streams; /* (owned) (array length=max_streams) */
  guint max_streams;
  guint n_streams;
  guint n_begun;
  guint64 number; /* the one that was written last */
  guint64 frames; /* that came */
} Client;

static int
connect_to_server (const Client *client, guint index)
{
  struct sockaddr_in own = { .sin_family = AF_INET };
  struct sockaddr_in server = { .sin_family = AF_INET,
                                .sin_port = htons (client->port),
                                .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  const int one = 1;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  own.sin_addr.s_addr = htonl (INADDR_LOOPBACK + index / STREAMS_AN_ADDRESS);
  if (fd < 0)
    g_error ("socket: %s", g_strerror (errno));
  /* The port is chosen by connect(), which may use one again that another connection of ours has. */
  setsockopt (fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (bind (fd, (struct sockaddr *) &own, sizeof own) < 0
      || connect (fd, (struct sockaddr *) &server, sizeof server) < 0)
    g_error ("connect: %s", g_strerror (errno));
  return fd;
}

static void
write_all (int fd, const char *data, gsize length)
{
  while (length > 0)
    {
      gssize n = send (fd, data, length, MSG_NOSIGNAL);

      if (n < 0)
        g_error ("send: %s", g_strerror (errno));
      data += n;
      length -= n;
    }
}

/* A frame, of which the last byte is a NUL in place of its last LF. */
static void
see_frame (Client *client, Stream *stream, const char *frame)
{
  const char *data;
  guint64 number;

  if (*frame == ':')
    return;
  data = strstr (frame, "\ndata: ");
  if (data == NULL)
    g_error ("This is no frame: %s", frame);
  if (!stream->begun)
    {
      stream->begun = TRUE;
      stream->last = client->number;
      client->n_begun++;
      return;
    }
  number = g_ascii_strtoull (data + strlen ("\ndata: "), NULL, 10);
  if (number != stream->last + 1)
    g_error ("After %" G_GUINT64_FORMAT " came %" G_GUINT64_FORMAT, stream->last, number);
  stream->last = number;
  client->frames++;
}

/* The frames in a NUL-terminated text. Returns what is left behind the last that is whole. */
static char *
see_frames (Client *client, Stream *stream, char *text)
{
  char *end;

  while ((end = strstr (text, "\n\n")) != NULL)
    {
      end[1] = '\0';
      see_frame (client, stream, text);
      text = end + 2;
    }
  return text;
}

static char *
skip_head (const Stream *stream, char *text)
{
  char *end;

  if (stream->begun || !g_str_has_prefix (text, "HTTP/1.1 200 "))
    return text;
  end = strstr (text, "\r\n\r\n");
  /* Until it is whole it counts as an unfinished frame. */
  return end != NULL ? end + 4 : text;
}

static void
on_stream (Client *client, Stream *stream)
{
  static char buffer[MAX_FRAME + 64 * 1024 + 1];
  gssize n;
  char *rest;

  if (stream->kept > 0)
    memcpy (buffer, stream->unfinished, stream->kept);
  n = recv (stream->fd, buffer + stream->kept, sizeof buffer - 1 - stream->kept, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN)
    return;
  if (n <= 0)
    g_error ("A stream has ended: %s", n < 0 ? g_strerror (errno) : "closed");
  buffer[stream->kept + n] = '\0';

  rest = see_frames (client, stream, skip_head (stream, buffer));
  stream->kept = strlen (rest);
  if (stream->kept > MAX_FRAME)
    g_error ("A frame is too long");
  if (stream->kept > 0)
    {
      if (stream->unfinished == NULL)
        stream->unfinished = g_malloc (MAX_FRAME);
      memcpy (stream->unfinished, rest, stream->kept);
    }
}

/* Looks again and again instead of sleeping in epoll_wait(): a send() that has to wake somebody on another core costs twice
 * as much, and how often that is so depends on how the two happen to keep step. It would hide what is to be measured. */
static void
turn (Client *client)
{
  struct epoll_event events[256];
  guint naps = 0;
  int n_events;

  while ((n_events = epoll_wait (client->epoll_fd, events, G_N_ELEMENTS (events), 0)) == 0)
    {
      if (++naps == MAX_NAPS)
        g_error ("Nothing has come for too long");
      g_usleep (NAP);
    }
  for (int i = 0; i < n_events; i++)
    on_stream (client, events[i].data.ptr);
}

static void
open_one (Client *client)
{
  static const char request[] = "GET /watch_key/fanout HTTP/1.1\r\nHost: localhost\r\n\r\n";
  Stream *stream = &client->streams[client->n_streams];
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = stream };

  *stream = (Stream){ .fd = connect_to_server (client, client->n_streams) };
  client->n_streams++;
  write_all (stream->fd, request, strlen (request));
  if (epoll_ctl (client->epoll_fd, EPOLL_CTL_ADD, stream->fd, &event) < 0)
    g_error ("epoll_ctl: %s", g_strerror (errno));
}

static void
open_streams (Client *client, guint wanted)
{
  if (wanted > client->max_streams)
    g_error ("%u streams at most", client->max_streams);
  while (client->n_begun < wanted)
    if (client->n_streams < wanted && client->n_streams - client->n_begun < MAX_OPENING)
      open_one (client);
    else
      turn (client);
  printf ("%u\n", client->n_begun);
}

static void
close_streams (Client *client)
{
  for (guint i = 0; i < client->n_streams; i++)
    {
      close (client->streams[i].fd);
      g_free (client->streams[i].unfinished);
    }
  client->n_streams = client->n_begun = 0;
  printf ("0\n");
}

/* Reads as many answers to writes; they have no body. */
static void
read_answers (Client *client, guint count)
{
  static char buffer[64 * 1024];
  gsize length = 0;

  while (count > 0)
    {
      gssize n = recv (client->control, buffer + length, sizeof buffer - 1 - length, 0);
      char *text = buffer, *end;

      if (n <= 0)
        g_error ("No answer to a write");
      buffer[length + n] = '\0';
      while ((end = strstr (text, "\r\n\r\n")) != NULL)
        {
          if (!g_str_has_prefix (text, "HTTP/1.1 2"))
            g_error ("A write was refused: %s", text);
          count--;
          text = end + 4;
        }
      length = strlen (text);
      memmove (buffer, text, length);
    }
}

static void
write_key (Client *client, guint count)
{
  g_autoptr (GString) requests = g_string_new (NULL);

  for (guint i = 0; i < count; i++)
    g_string_append_printf (requests,
                            "PUT /store/fanout HTTP/1.1\r\nHost: localhost\r\n"
                            "Content-Length: %u\r\n\r\n%0*" G_GUINT64_FORMAT,
                            VALUE_LENGTH, VALUE_LENGTH, ++client->number);
  write_all (client->control, requests->str, requests->len);
}

static void
publish (Client *client, guint rounds, guint burst)
{
  guint64 before = client->frames;
  gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < rounds; i++)
    {
      guint64 wanted = client->frames + (guint64) burst * client->n_streams;

      write_key (client, burst);
      while (client->frames < wanted)
        turn (client);
      read_answers (client, burst);
    }
  printf ("%" G_GUINT64_FORMAT " %.1f\n", client->frames - before,
          (double) (g_get_monotonic_time () - start) / rounds);
}

static void
obey (Client *client, const char *line)
{
  guint first = 0, second = 1;

  if (sscanf (line, "open %u", &first) == 1)
    open_streams (client, first);
  else if (sscanf (line, "publish %u", &first) == 1
           || sscanf (line, "burst %u %u", &first, &second) == 2)
    publish (client, first, second);
  else if (g_str_has_prefix (line, "close"))
    close_streams (client);
  else
    g_error ("Unknown command: %s", line);
  fflush (stdout);
}

int
main (int argc, char *argv[])
{
  Client client = { .epoll_fd = epoll_create1 (EPOLL_CLOEXEC) };
  char line[256];

  if (argc != 3)
    {
      fprintf (stderr, "usage: %s PORT MAX-STREAMS\n", argv[0]);
      return 2;
    }
  client.port = (guint16) atoi (argv[1]);
  client.max_streams = (guint) atoi (argv[2]);
  client.streams = g_new0 (Stream, client.max_streams);
  client.control = connect_to_server (&client, 0);
  while (fgets (line, sizeof line, stdin) != NULL)
    obey (&client, line);
  close_streams (&client);
  g_free (client.streams);
  return 0;
}
