#include "page_budget.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace jcn {
namespace {

using Shares = std::vector<std::shared_ptr<const PageBudget::Share>>;

TEST(PageBudgetTest, FewPagesMayBeLarge) {
  PageBudget budget({400, 100, 10});
  Shares shares;
  for (int i = 0; i < 4; ++i) {
    shares.push_back(budget.take());
    EXPECT_EQ(shares.back()->bytes(), 100u) << i;
  }
}

TEST(PageBudgetTest, ManyAreSmallAndHoldWhatTheHeaderSays) {
  PageBudget budget({400, 100, 10});
  Shares shares;
  double held = 0;
  for (int i = 1; i <= 40; ++i) {
    shares.push_back(budget.take());
    held += static_cast<double>(shares.back()->bytes());
    EXPECT_LE(held, 400 * (1 + std::log(std::max(1.0, i * 100.0 / 400)))) << i;
  }
  EXPECT_EQ(shares.back()->bytes(), 10u);
  for (int i = 0; i < 100; ++i) {
    shares.push_back(budget.take());
    EXPECT_EQ(shares.back()->bytes(), 10u) << "there is always a place for one more";
  }
}

TEST(PageBudgetTest, WhatIsGivenBackIsThereForOthers) {
  PageBudget budget({400, 100, 10});
  Shares shares;
  for (int i = 0; i < 200; ++i) shares.push_back(budget.take());
  shares.clear();
  EXPECT_EQ(budget.take()->bytes(), 100u);
}

}  // namespace
}  // namespace jcn
