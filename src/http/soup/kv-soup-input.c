/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/soup/kv-soup-input.h"

#include "http/soup/kv-soup-source.h"

#include <string.h>

struct _KvSoupInput {
  GInputStream parent_instance;

  const char *text; /* what is left of it */
  KvSoupInputFunc reading;
  KvSoupInputFunc waiting;
  gpointer user_data; /* (borrowed) (nullable): NULL once detached */
};

static void kv_soup_input_pollable_init (GPollableInputStreamInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE (KvSoupInput,
                               kv_soup_input,
                               G_TYPE_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM,
                                                      kv_soup_input_pollable_init))

static gssize
read_text (KvSoupInput *self, gpointer buffer, gsize count, GError **error)
{
  gsize length = MIN (strlen (self->text), count);

  if (length == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "There is no request yet");
      return -1;
    }
  if (self->user_data != NULL)
    self->reading (self->user_data);
  memcpy (buffer, self->text, length);
  self->text += length;
  return (gssize) length;
}

static gssize
kv_soup_input_read (GInputStream *stream,
                    void *buffer,
                    gsize count,
                    GCancellable *cancellable,
                    GError **error)
{
  return read_text (KV_SOUP_INPUT (stream), buffer, count, error);
}

static gssize
kv_soup_input_read_nonblocking (GPollableInputStream *stream,
                                void *buffer,
                                gsize count,
                                GError **error)
{
  return read_text (KV_SOUP_INPUT (stream), buffer, count, error);
}

static gboolean
is_ready (gpointer stream)
{
  return ((KvSoupInput *) stream)->text[0] != '\0';
}

static gboolean
kv_soup_input_is_readable (GPollableInputStream *stream)
{
  return is_ready (stream);
}

/* Whoever reads a stream without blocking asks for a source when, and only when, there is
 * nothing more to read. */
static GSource *
kv_soup_input_create_source (GPollableInputStream *stream, GCancellable *cancellable)
{
  KvSoupInput *self = KV_SOUP_INPUT (stream);
  GSource *source = kv_soup_source_new (self, is_ready);

  if (self->user_data != NULL)
    self->waiting (self->user_data);
  return source;
}

static void
kv_soup_input_pollable_init (GPollableInputStreamInterface *interface)
{
  interface->is_readable = kv_soup_input_is_readable;
  interface->create_source = kv_soup_input_create_source;
  interface->read_nonblocking = kv_soup_input_read_nonblocking;
}

static void
kv_soup_input_class_init (KvSoupInputClass *class)
{
  G_INPUT_STREAM_CLASS (class)->read_fn = kv_soup_input_read;
}

static void
kv_soup_input_init (KvSoupInput *self)
{
  self->text = "";
}

KvSoupInput *
kv_soup_input_new (KvSoupInputFunc reading, KvSoupInputFunc waiting, gpointer user_data)
{
  KvSoupInput *self = g_object_new (KV_TYPE_SOUP_INPUT, NULL);

  self->reading = reading;
  self->waiting = waiting;
  self->user_data = user_data;
  return self;
}

void
kv_soup_input_feed (KvSoupInput *input, const char *text)
{
  input->text = text;
}

void
kv_soup_input_detach (KvSoupInput *input)
{
  input->user_data = NULL;
}
