// Threads that wait for work, and memory that stays.
#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

/** A fixed number of threads, the caller's among them, that share out tasks. Never destroyed once started. */
class Threads {
 public:
  /** `count`: 1 or more. */
  explicit Threads(int count) : count_(count) {}

  /**
   * They live as long as the process, which ends without waiting for them. Throws std::system_error where the system
   * has no more threads; those that were started wait.
   */
  void start() {
    for (int worker = 1; worker < count_; worker++) std::thread([this, worker] { serve(worker); }).detach();
  }

  int count() const { return count_; }

  /** Calls task(index, worker) for every index below `tasks`; worker is below count() and `tasks`. */
  void run(long tasks, const std::function<void(long, int)>& task) {
    if (tasks <= 0) return;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      task_ = &task;
      tasks_ = tasks;
      next_ = 0;
      helpers_ = busy_ = std::min<long>(tasks, count_) - 1;
      round_++;
    }
    if (sleeping_ > 0) wake_.notify_all();
    work(0);
    if (comesSoon([this] { return busy_ == 0; })) return;
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
  }

 private:
  void work(int worker) {
    for (long index; (index = next_++) < tasks_;) (*task_)(index, worker);
  }

  void serve(int worker) {
    for (long seen = 0;;) {
      if (!comesSoon([&] { return round_ != seen; })) {
        std::unique_lock<std::mutex> lock(mutex_);
        sleeping_++;
        wake_.wait(lock, [&] { return round_ != seen; });
        sleeping_--;
      }
      bool helps;
      {
        std::lock_guard<std::mutex> lock(mutex_);
        seen = round_;
        helps = worker <= helpers_;
      }
      if (!helps) continue;
      work(worker);
      if (--busy_ > 0) continue;
      std::lock_guard<std::mutex> lock(mutex_);
      done_.notify_one();
    }
  }

  /** Looks for a while whether `happened`: the system takes longer to wake a thread than most steps take. */
  template <typename Happened>
  static bool comesSoon(const Happened& happened) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point end = Clock::now() + std::chrono::microseconds(20);
    do {
      if (happened()) return true;
    } while (Clock::now() < end);
    return false;
  }

  const int count_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(long, int)>* task_ = nullptr;
  std::atomic<long> next_{0}, round_{0};
  long tasks_ = 0;
  /** Workers 1 to helpers_ take part in a round; busy_ of them are at it. */
  long helpers_ = 0;
  std::atomic<long> busy_{0};
  std::atomic<int> sleeping_{0};
};

/** Floats that are kept from one call to the next, so that the system does not have to find them anew. */
class Buffer {
 public:
  /** At least `size` floats of any value, aligned to 64 bytes. Throws std::bad_alloc. */
  float* floats(long size) {
    if (size > size_) {
      memory_.reset();
      const size_t bytes = (size * sizeof(float) + 63) / 64 * 64;
      memory_.reset(static_cast<float*>(std::aligned_alloc(64, bytes)));
      size_ = memory_ ? size : 0;
      if (!memory_) throw std::bad_alloc();
    }
    return memory_.get();
  }

 private:
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  std::unique_ptr<float, Free> memory_;
  long size_ = 0;
};

/** What all ops share: one of them computes at a time, on all threads. */
struct Pool {
  explicit Pool(int threads) : threads(threads), scratch_(threads) {}

  /** So many floats for each worker of `tasks`, found before they start. Throws std::bad_alloc. */
  std::vector<float*> scratchFor(long tasks, long floats) {
    std::vector<float*> result;
    for (Buffer& buffer : scratch_) {
      const bool isUsed = static_cast<long>(result.size()) < tasks;
      result.push_back(isUsed ? buffer.floats(floats) : nullptr);
    }
    return result;
  }

  std::mutex mutex;
  Threads threads;
  Buffer shared;

 private:
  /** One of each thread. */
  std::vector<Buffer> scratch_;
};

inline Pool* pool = nullptr;

/** Called once, before any op. Throws std::system_error, see Threads::start. */
inline void startPool(int threads) {
  // Never deleted: its threads use it to the end of the process.
  pool = new Pool(threads);
  pool->threads.start();
}
