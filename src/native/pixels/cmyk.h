// JPEGs of four inks, as Pillow makes red, green and blue of them.
//
// TensorFlow multiplies the inks and rounds down, or takes them the other way round where Adobe's marker is missing;
// Pillow rounds to the nearest, and never asks for the marker. The inks follow from what TensorFlow gives for variants
// of the file.
#pragma once
#include <functional>

#include "decoder.h"

/** @param decode decodes the wanted box of a variant. Throws what it throws, Unfinished and Fault. */
std::vector<uint8_t> convertCmyk(Bytes bytes, const std::function<Pixels(Bytes)>& decode);
