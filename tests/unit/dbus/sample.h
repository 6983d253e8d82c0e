/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/wire/kv-dbus-writer.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Between our bytes and GDBus's values, so that what one side writes the other one reads. */

/**
 * Sample:
 *
 * A message of GDBus's in bytes of its own, and what our parser has made of it.
 */
typedef struct {
  guint8 *bytes; /* (owned) */
  gsize length;
  KvDbusHead head;
  KvDbusReader body;
} Sample;

/**
 * sample_init:
 * @body: (transfer floating): a tuple
 *
 * Has GDBus write a method call with @body, and reads it; aborts when it is not sound.
 */
void sample_init (Sample *sample, GVariant *body, GDBusMessageByteOrder order);

void sample_clear (Sample *sample);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Sample, sample_clear)

/**
 * sample_begin:
 *
 * Begins to write a message whose body is of type @signature.
 */
void sample_begin (KvDbusWriter *writer, KvDbusBuffer *buffer, const char *signature);

/**
 * sample_end:
 *
 * Completes the message, which has to be of sound values to our reader.
 *
 * Returns: (transfer full): what GDBus reads in it: a tuple
 */
GVariant *sample_end (KvDbusWriter *writer);

G_END_DECLS
