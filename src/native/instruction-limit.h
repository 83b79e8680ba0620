// How far ONEDNN_MAX_CPU_ISA holds us back: our own code uses no more of a processor than oneDNN may.
#pragma once
#include <cstdlib>
#include <string>

enum class InstructionLimit { plain, avx2, none };

inline InstructionLimit instructionLimit() {
  const char* most = std::getenv("ONEDNN_MAX_CPU_ISA");
  const std::string limit = most == nullptr ? "" : most;
  if (limit == "SSE41" || limit == "AVX") return InstructionLimit::plain;
  return limit.rfind("AVX2", 0) == 0 ? InstructionLimit::avx2 : InstructionLimit::none;
}
