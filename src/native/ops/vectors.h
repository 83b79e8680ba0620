// Vectors of LANES floats: loads and stores, also of the last few channels.

typedef float Vector __attribute__((vector_size(LANES * sizeof(float))));
typedef float Unaligned __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

static inline Vector load(const float* from) { return *reinterpret_cast<const Unaligned*>(from); }
static inline void store(float* to, Vector value) { *reinterpret_cast<Unaligned*>(to) = value; }

/** The first `count` floats, of LANES or fewer; the rest is 0. */
static inline Vector load(const float* from, long count) { return count == LANES ? load(from) : loadPart(from, count); }

/** The first `count` lanes, of LANES or fewer. */
static inline void store(float* to, Vector value, long count) {
  if (count == LANES) return store(to, value);
  float lanes[LANES];
  store(lanes, value);
  const float* from = lanes;
  for (long part = LANES / 2; part > 0; part /= 2) {
    if ((count & part) == 0) continue;
    std::memcpy(to, from, part * sizeof(float));
    to += part;
    from += part;
  }
}

/** Of `channels`, those in the vector that begins with `channel`. */
static inline long lanesAt(long channels, long channel) { return std::clamp(channels - channel, 0L, long{LANES}); }
