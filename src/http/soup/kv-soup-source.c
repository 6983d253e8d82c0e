/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/soup/kv-soup-source.h"

typedef struct {
  GSource source;
  GObject *stream; /* (owned) */
  KvSoupSourceFunc is_ready;
} StreamSource;

static gboolean
stream_source_prepare (GSource *source, int *timeout)
{
  StreamSource *self = (StreamSource *) source;

  *timeout = -1;
  return self->is_ready (self->stream);
}

static gboolean
stream_source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  GPollableSourceFunc func = (GPollableSourceFunc) (gpointer) callback;

  return func (((StreamSource *) source)->stream, user_data);
}

static void
stream_source_finalize (GSource *source)
{
  g_object_unref (((StreamSource *) source)->stream);
}

/* Whoever makes it the child of another source gives it a closure that does nothing, and wants to be
 * able to call that. */
static gboolean
call_closure (GObject *stream, gpointer closure)
{
  GValue parameter = G_VALUE_INIT;
  GValue result = G_VALUE_INIT;
  gboolean goes_on;

  g_value_init (&result, G_TYPE_BOOLEAN);
  g_value_init (&parameter, G_TYPE_OBJECT);
  g_value_set_object (&parameter, stream);
  g_closure_invoke (closure, &result, 1, &parameter, NULL);
  goes_on = g_value_get_boolean (&result);
  g_value_unset (&parameter);
  g_value_unset (&result);
  return goes_on;
}

static GSourceFuncs stream_source_funcs = {
  .prepare = stream_source_prepare,
  .dispatch = stream_source_dispatch,
  .finalize = stream_source_finalize,
  .closure_callback = (GSourceFunc) (gpointer) call_closure,
};

GSource *
kv_soup_source_new (gpointer stream, KvSoupSourceFunc is_ready)
{
  GSource *source = g_source_new (&stream_source_funcs, sizeof (StreamSource));
  StreamSource *self = (StreamSource *) source;

  g_source_set_static_name (source, "KvSoupStream");
  self->stream = g_object_ref (stream);
  self->is_ready = is_ready;
  return source;
}
