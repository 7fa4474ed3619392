"""klientela"""
