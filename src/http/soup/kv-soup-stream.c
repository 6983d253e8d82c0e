/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/soup/kv-soup-stream.h"

#include "http/soup/kv-soup-input.h"
#include "http/soup/kv-soup-output.h"

struct _KvSoupStream {
  GIOStream parent_instance;

  KvSoupInput *input;   /* (owned) */
  KvSoupOutput *output; /* (owned) */
  const KvSoupStreamFuncs *funcs;
  KvHttpConnection *connection; /* (borrowed) (nullable): NULL once detached */
};

G_DEFINE_FINAL_TYPE (KvSoupStream, kv_soup_stream, G_TYPE_IO_STREAM)

static GInputStream *
kv_soup_stream_get_input_stream (GIOStream *stream)
{
  return G_INPUT_STREAM (KV_SOUP_STREAM (stream)->input);
}

static GOutputStream *
kv_soup_stream_get_output_stream (GIOStream *stream)
{
  return G_OUTPUT_STREAM (KV_SOUP_STREAM (stream)->output);
}

static gboolean
kv_soup_stream_close (GIOStream *stream, GCancellable *cancellable, GError **error)
{
  KvSoupStream *self = KV_SOUP_STREAM (stream);
  KvHttpConnection *connection = self->connection;
  gboolean whole = kv_soup_output_take_whole (self->output);

  kv_soup_stream_detach (self);
  if (connection != NULL)
    self->funcs->closed (connection, whole);
  return TRUE;
}

static void
kv_soup_stream_finalize (GObject *object)
{
  KvSoupStream *self = KV_SOUP_STREAM (object);

  g_clear_object (&self->input);
  g_clear_object (&self->output);
  G_OBJECT_CLASS (kv_soup_stream_parent_class)->finalize (object);
}

static void
kv_soup_stream_class_init (KvSoupStreamClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (class);

  object_class->finalize = kv_soup_stream_finalize;
  stream_class->get_input_stream = kv_soup_stream_get_input_stream;
  stream_class->get_output_stream = kv_soup_stream_get_output_stream;
  stream_class->close_fn = kv_soup_stream_close;
}

static void
kv_soup_stream_init (KvSoupStream *self)
{
}

static void
on_reading (gpointer user_data)
{
  KvSoupStream *self = user_data;

  self->funcs->reading (self->connection);
}

static void
on_waiting (gpointer user_data)
{
  KvSoupStream *self = user_data;

  if (kv_soup_output_take_whole (self->output))
    self->funcs->finished (self->connection);
}

KvSoupStream *
kv_soup_stream_new (KvHttpConnection *connection, const KvSoupStreamFuncs *funcs)
{
  KvSoupStream *self = g_object_new (KV_TYPE_SOUP_STREAM, NULL);

  self->input = kv_soup_input_new (on_reading, on_waiting, self);
  self->output = kv_soup_output_new (connection);
  self->funcs = funcs;
  self->connection = connection;
  return self;
}

void
kv_soup_stream_feed (KvSoupStream *stream, const char *head)
{
  kv_soup_input_feed (stream->input, head);
}

void
kv_soup_stream_detach (KvSoupStream *stream)
{
  stream->connection = NULL;
  kv_soup_input_detach (stream->input);
  kv_soup_output_detach (stream->output);
}
