"""service_desk"""
