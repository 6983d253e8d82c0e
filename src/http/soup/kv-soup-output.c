/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/soup/kv-soup-output.h"

#include "http/soup/kv-soup-source.h"

struct _KvSoupOutput {
  GOutputStream parent_instance;

  KvHttpConnection *connection; /* (borrowed) (nullable) */
  gboolean whole;
};

static void kv_soup_output_pollable_init (GPollableOutputStreamInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE (KvSoupOutput,
                               kv_soup_output,
                               G_TYPE_OUTPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM,
                                                      kv_soup_output_pollable_init))

static gssize
write_bytes (KvSoupOutput *self, const void *buffer, gsize count, GError **error)
{
  gssize taken = -1;

  if (self->connection != NULL)
    taken = kv_http_connection_write (self->connection, buffer, count);
  if (taken > 0)
    return taken;
  if (taken == 0)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "The client reads too slowly");
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "The client has left");
  return -1;
}

static gssize
kv_soup_output_write (GOutputStream *stream,
                      const void *buffer,
                      gsize count,
                      GCancellable *cancellable,
                      GError **error)
{
  return write_bytes (KV_SOUP_OUTPUT (stream), buffer, count, error);
}

static gssize
kv_soup_output_write_nonblocking (GPollableOutputStream *stream,
                                  const void *buffer,
                                  gsize count,
                                  GError **error)
{
  return write_bytes (KV_SOUP_OUTPUT (stream), buffer, count, error);
}

/* libsoup flushes once, when it has written a response to its end. */
static gboolean
kv_soup_output_flush (GOutputStream *stream, GCancellable *cancellable, GError **error)
{
  KvSoupOutput *self = KV_SOUP_OUTPUT (stream);

  self->whole = TRUE;
  return TRUE;
}

static gboolean
is_ready (gpointer stream)
{
  const KvSoupOutput *self = stream;

  return self->connection == NULL || kv_http_connection_is_writable (self->connection);
}

static gboolean
kv_soup_output_is_writable (GPollableOutputStream *stream)
{
  return is_ready (stream);
}

/* The connection's descriptor is in the epoll set already; what matters here is what that has told. */
static GSource *
kv_soup_output_create_source (GPollableOutputStream *stream, GCancellable *cancellable)
{
  return kv_soup_source_new (stream, is_ready);
}

static void
kv_soup_output_pollable_init (GPollableOutputStreamInterface *interface)
{
  interface->is_writable = kv_soup_output_is_writable;
  interface->create_source = kv_soup_output_create_source;
  interface->write_nonblocking = kv_soup_output_write_nonblocking;
}

static void
kv_soup_output_class_init (KvSoupOutputClass *class)
{
  GOutputStreamClass *stream_class = G_OUTPUT_STREAM_CLASS (class);

  stream_class->write_fn = kv_soup_output_write;
  stream_class->flush = kv_soup_output_flush;
}

static void
kv_soup_output_init (KvSoupOutput *self)
{
}

KvSoupOutput *
kv_soup_output_new (KvHttpConnection *connection)
{
  KvSoupOutput *self = g_object_new (KV_TYPE_SOUP_OUTPUT, NULL);

  self->connection = connection;
  return self;
}

void
kv_soup_output_detach (KvSoupOutput *output)
{
  output->connection = NULL;
}

gboolean
kv_soup_output_take_whole (KvSoupOutput *output)
{
  gboolean whole = output->whole;

  output->whole = FALSE;
  return whole;
}
