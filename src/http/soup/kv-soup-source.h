/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * KvSoupSourceFunc:
 *
 * Returns: whether @stream is ready
 */
typedef gboolean (*KvSoupSourceFunc) (gpointer stream);

/**
 * kv_soup_source_new:
 * @stream: (transfer none): a pollable stream
 * @is_ready: asked at the beginning of each turn of the context
 *
 * Makes a source for a stream that has no descriptor of its own: what makes it ready happens in the
 * loop's own thread, and whoever does that wakes the context. It takes a #GPollableSourceFunc.
 *
 * Returns: (transfer full): the source
 */
GSource *kv_soup_source_new (gpointer stream, KvSoupSourceFunc is_ready);

G_END_DECLS
